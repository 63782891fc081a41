"""Words by which a short answer relates, compares and accompanies: what is said beside a name."""

from __future__ import annotations

from harness.tasks.short_tokens import PREPOSITIONS
from harness.tasks.texts import word_set

DOUBTS = word_set("not sure certain dont know")
EXCLAMATIONS = word_set("ah oh hey yep yup indeed clearly hello hi obviously honestly sorry apologies")

ADVERBIAL = PREPOSITIONS | word_set(
    "according if let since because after before when while until despite given contrary"
)
CLAUSE_OF = word_set("who whom whose which where when while whereas although though because since like unlike than")
EQUALS = word_set(
    "also known as called spelled spelt written formerly aka ie namely now or i e meaning previously officially"
)
NAMED = word_set("called known named")
AGAIN = word_set("but however whereas although though ;")
KINDS = word_set(
    "river city town lake sea ocean island islands mountain mountains desert country county state republic kingdom "
    "university ad ce bc bce jr sr dc usa us uk i"
)
DIRECTIONS = word_set("new north south east west northern southern eastern western")
PLACES = word_set("near outside opposite beside beyond around besides behind")
RELATED = word_set(
    "friend pupil student rival brother sister son daughter wife husband father mother teacher follower contemporary "
    "disciple admirer successor predecessor neighbour neighbor colleague cousin uncle aunt nephew niece child parent "
    "widow widower lover enemy opponent assistant descendant ancestor biographer apprentice partner companion fan "
    "suburb outskirts north south east west northeast northwest southeast southwest twin opposite inverse reverse "
    "contrary half double copy replica version imitation translation adaptation parody author inventor creator "
    "tributary mayor bishop governor relative grandson granddaughter grandfather grandmother teammate capital"
)
RELATED_TO = word_set(
    "next close closest nearest answer sequel prequel similar compared related opposed married adjacent contrary due"
)
COMPARED = word_set("other rather more less larger bigger smaller older younger longer taller greater better")
IT = word_set("it this that he she")
RANGE = word_set("to until till through")
COUNTRIES = word_set(
    "argentina australia austria belgium brazil canada chile china colombia croatia cuba czechia denmark egypt england "
    "ethiopia finland france germany greece hungary iceland india indonesia iran iraq ireland israel italy jamaica "
    "japan kenya malaysia mexico morocco nepal netherlands nigeria norway pakistan peru poland portugal romania russia "
    "scotland serbia singapore spain sweden switzerland thailand turkey uk ukraine us usa venezuela vietnam wales"
)
# "Roger Moore replaced Sean Connery"
OVER = word_set(
    "beat beats defeated replaced replaces succeeded succeeds followed follows preceded precedes married killed met "
    "influenced admired outlived overtook"
)
SOMEONE = word_set("someone somebody something somewhere anyone anything")
# Nouns that may follow a name and say its kind, and words that only stress it.
KINDS_TOO = KINDS | word_set(
    "metal element gas animal bird fish species tree flower planet star language currency color colour company band "
    "film movie book novel play song album team club bridge tower building street bay gulf strait valley canal falls "
    "peak volcano empire dynasty war battle treaty day year years people person man woman god goddess bone organ "
    "itself indeed too please again alone only first mate"
)
TITLES = word_set(
    "president king queen prince princess sir lord lady general saint pope madame mr mrs ms dr herr don emperor dame "
    "duke count chief captain planet young old the"
)
ROLE_ENDINGS = ("er", "or", "ist", "ian", "ess")
"""Endings of words that tell what a person is: "the composer Mozart"."""

PAST = word_set("formerly previously once originally initially expected")
"""Words of what no longer holds; "used" and "going" (to be, to say) are checked with the words beside them."""
