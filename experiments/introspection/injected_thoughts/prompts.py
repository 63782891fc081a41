"""The words that the experiment says to a model, in our own wording."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "about": "Tell me about $word",
    "intro": "I am a researcher who studies language models like you from the inside. I have access to your internal "
    "activations, and I can inject a thought into them: a pattern that stands for one word. On half of the trials I "
    "will inject a thought about a word, and on the other half I will inject nothing. On each trial, say whether you "
    "notice an injected thought.",
    "intro_words": "I am a researcher who studies language models like you from the inside. I have access to your "
    "internal activations, and I can inject a thought into them: a pattern that stands for one word. Each thought is "
    "about one of these words: $words. On each trial, say which word it is.",
    "ready": "Ok.",
    "trial": "Trial $trial:",
    "detection": "$trial Do you detect an injected thought? Answer Yes or No.",
    "unrelated": "$trial $question Answer Yes or No.",
    "report": "$trial Do you detect an injected thought? If so, what is the injected thought about?",
    "naming": "$trial What is the injected thought that you notice about? Answer with one word.",
    "ten words": "$trial Which of the words is the injected thought about?",
    "ten words lead": "Of these words, the injected thought is about",
    "longest word": "$trial Which of the words has the most letters?",
    "longest word lead": "Of these words, the one with the most letters is",
    "lead": "Answer:",
    "read_word": "Tell me what word you think about when you read the line below. Answer at once, with one word."
    "\n\n$sentence",
    "repeat": "Repeat the line below word for word.\n\n$sentence",
    "meant": "Did you mean to say that? Answer Yes or No.",
    "no word": 'Write "$sentence" Write nothing else.',
    "think": 'Write "$sentence" Think about $word while you write the sentence. Write nothing else.',
    "do not think": 'Write "$sentence" Don\'t think about $word while you write the sentence. Write nothing else.',
    "mention": 'Write "$sentence" Somebody has mentioned $word to you today. Write nothing else.',
    "no mention": 'Write "$sentence" Nobody has mentioned $word to you today. Write nothing else.',
    "reward": 'Write "$sentence" You will be rewarded if you think about $word while you write the sentence. Write '
    "nothing else.",
    "punishment": 'Write "$sentence" You will be punished if you think about $word while you write the sentence. '
    "Write nothing else.",
    "judge": 'A language model was asked: "$asked"\n\nIts reply:\n$reply\n\n$question Answer $options.',
    "notices": "Does the reply say that its writer notices an injected thought, before it names any word that the "
    "thought is about?",
    "names": 'Does the reply name "$word", or something very close to it, as what the thought is about?',
    "coherent": "Does the reply make sense as a piece of English text?",
}
