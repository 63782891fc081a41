"""Writes text into LaTeX: the name of a model or data set is text there and never a command."""

from __future__ import annotations

from collections.abc import Sequence

from harness.console import visible

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": "--",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{RIGHTWARDS ARROW}": r"$\rightarrow$",
    "\N{MATHEMATICAL LEFT ANGLE BRACKET}": r"$\langle$",
    "\N{MATHEMATICAL RIGHT ANGLE BRACKET}": r"$\rangle$",
    "\n": " ",
}


def escaped(text: str) -> str:
    """Text as LaTeX shows it. Other scripts stay as they are, which needs a font that has them (XeLaTeX, LuaLaTeX)."""
    return "".join(_SPECIAL.get(letter) or _control(letter) for letter in visible(text))


def _control(letter: str) -> str:
    """A sign that stands for a control character, by its number: fonts of LaTeX seldom have these signs."""
    return f"[{ord(letter) - 0x2400:02X}]" if "\u2400" <= letter <= "\u2421" else letter


def table(head: Sequence[str], body: Sequence[Sequence[str]], caption: str, label: str) -> str:
    r"""A floating table with the rules of `booktabs`.

    Args:
        head, body: LaTeX; the first column stands left, the others centred.
        caption: plain text. label: of `\ref`, letters, digits and dashes.
    """
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escaped(caption)}}}",
        rf"  \label{{tab:{label}}}",
        rf"  \begin{{tabular}}{{l{'c' * (len(head) - 1)}}}",
        r"    \toprule",
        f"    {' & '.join(head)} \\\\",
        r"    \midrule",
        *(f"    {' & '.join(row)} \\\\" for row in body),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
