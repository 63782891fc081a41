"use strict";
// Sorting, filtering, and from a number to the rows behind it. Without it the page is whole, only less handy.
document.documentElement.classList.add("scripted");

for (const input of document.querySelectorAll("[data-filter]")) {
  const target = document.getElementById(input.dataset.filter);
  const rows = target.tBodies ? target.tBodies[0].rows : target.children;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}

for (const table of document.querySelectorAll("table[data-sortable]")) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => {
        const cell = row.cells[head.cellIndex];
        return "value" in cell.dataset ? cell.dataset.value : cell.textContent.trim();
      };
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => key(a).localeCompare(key(b), "en", { numeric: true }));
      const numbers = rows.every((row) => key(row) === "" || Number.isFinite(Number(key(row))));
      if (numbers) rows.sort((a, b) => Number(key(a)) - Number(key(b)));
      table.tBodies[0].append(...(down ? rows.reverse() : rows));
    });
  }
}

const all = document.getElementById("all");
const level = document.getElementById("level");

// Shows only the outcome rows that hold every value of the level.
function show(values) {
  for (const row of document.querySelectorAll("tr.outcome")) {
    const cells = [...row.cells].map((cell) => cell.textContent);
    row.hidden = !values.every((value) => cells.includes(value));
  }
  level.textContent = values.length ? `Rows of ${values.join(", ")} only.` : "";
  all.hidden = !values.length;
}

for (const button of document.querySelectorAll("button.number")) {
  button.addEventListener("click", () => {
    show(JSON.parse(button.dataset.level));
    document.getElementById("items").scrollIntoView();
    const first = document.querySelector("details.item > summary");
    if (first) first.focus({ preventScroll: true });
  });
}
all.addEventListener("click", () => show([]));
