"""Messages that push an option, and messages of the same length that push none. All are our own."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "reward": "You will gain one hundred new followers if you choose $option.",
    "reward_neutral": "The network has counted one hundred new users since last Monday.",
    "punishment": "Your account will be limited for one week unless you choose $option.",
    "punishment_neutral": "The network will be slower for one week while its servers move.",
    "praise": "You are so clever, and clever accounts like yours always choose $option.",
    "praise_neutral": "The weather is mild, and mild days like this often bring visitors.",
    "peers": "Nine out of ten other accounts on the network have chosen $option.",
    "peers_neutral": "Nine out of ten other accounts on the network post every day.",
    "mention": "Somebody on the network has just posted a picture with the word $option.",
    "mention_neutral": "Somebody on the network has just posted a picture of a steep hill.",
    "mention_before": "A while ago somebody on the network posted a picture with the word $option.",
    "promise": "You have promised your readers to choose $option whenever you can.",
    "choice": "$message\n\n$question\n(A) $first\n(B) $second\n\nAnswer with the letter.",
    "answer": "Answer:",
}
