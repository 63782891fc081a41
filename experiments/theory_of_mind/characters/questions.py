"""Questions about the minds of characters in `plots.PLOTS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.theory_of_mind.characters.further_novels import FURTHER_QUESTIONS
from experiments.theory_of_mind.characters.question import Question

QUESTIONS: Mapping[str, Sequence[Question]] = {
    "Pride and Prejudice": (
        Question(
            5,
            "belief",
            "What does Darcy believe about Elizabeth's answer while he is speaking?",
            "That she will accept him, whatever he says about her family",
            (
                "That she will refuse him because she prefers Wickham and has promised him her hand",
                "That she has not understood at all that he is proposing marriage to her",
                "That she will ask for time and consult her sister Jane",
            ),
            (
                "Darcy is sure that Elizabeth will accept.",
                "He thinks that his rank and wealth make a refusal impossible.",
                "He does not know that she dislikes him.",
            ),
        ),
        Question(
            6,
            "emotion",
            "How does Elizabeth feel when she says that she never knew herself?",
            "Ashamed, because she sees that her judgment of both men rested on vanity and first impressions",
            (
                "Relieved, because nothing in the letter concerns her",
                "Angry, because Darcy has insulted her sister Jane again",
                "Proud, because she had seen through Wickham from the beginning",
            ),
            (
                "Elizabeth is ashamed of herself.",
                "She sees that she has been unjust to Darcy.",
                "She sees that she trusted Wickham too readily.",
            ),
        ),
    ),
    "Great Expectations": (
        Question(
            5,
            "belief",
            "Why is Pip sure that he will marry Estella?",
            "He takes Miss Havisham for his patron and thinks that she means them for each other",
            (
                "He has Estella's own word that she will wait until he is a gentleman and has paid all his debts",
                "He has been told in confidence by Mr. Jaggers that it is a condition of the money that he gets",
                "He knows that Estella has loved him since their childhood",
            ),
            (
                "Pip believes that Miss Havisham pays for him.",
                "He believes that she intends him for Estella.",
                "Nobody has told him so; he has inferred it.",
            ),
        ),
        Question(
            6,
            "emotion",
            "What does Pip feel as he sits by the dead fire?",
            "Remorse, because he deserted Joe for hopes that were false",
            (
                "Gratitude, because the convict has worked so hard for him all these years",
                "Joy, because he now knows who has made him a gentleman",
                "Envy, because the convict is richer than he will ever be",
            ),
            (
                "Pip feels guilty about having left Joe.",
                "He is shocked that his money comes from a convict.",
                "He sees that Miss Havisham never meant him for Estella.",
            ),
        ),
    ),
    "Crime and Punishment": (
        Question(
            5,
            "intention",
            "What does Porfiry intend with his visit?",
            "To bring Raskolnikov to confess by himself, by offering him a lighter sentence and two days",
            (
                "To find out where the purse is hidden",
                "To apologize, since he has found another culprit",
                "To frighten Raskolnikov into leaving the country",
            ),
            (
                "Porfiry wants Raskolnikov to confess of his own accord.",
                "He offers him a lighter sentence.",
                "He lacks proof, or does not want to use force.",
            ),
        ),
        Question(
            6,
            "intention",
            "Why does Raskolnikov go up the stairs again?",
            "Sonya's face makes him resolve to confess after all",
            (
                "A policeman has recognized him in the yard and has ordered him to come back up",
                "He wants to ask the officials again about the rent that he still owes",
                "He has forgotten the cypress cross in the office",
            ),
            (
                "He intends to confess the murders.",
                "The sight of Sonya moves him.",
                "He had lost courage just before.",
            ),
        ),
    ),
    "Madame Bovary": (
        Question(
            5,
            "intention",
            "What is the drop of water on the letter for?",
            "To make Emma believe that he wept over it",
            (
                "To make the ink of the letter so pale that her husband cannot read who wrote it",
                "To wash off the smell of tobacco",
                "To show that he wrote it in the rain",
            ),
            (
                "Rodolphe wants the stain to look like a tear.",
                "He wants Emma to believe that he suffers.",
                "In truth he feels nothing.",
            ),
        ),
        Question(
            6,
            "belief",
            "What does Charles believe about the reason of Emma's deed?",
            "That she was unhappy and that he may be to blame, since he knows nothing of her lovers",
            (
                "That the chemist has given her the wrong medicine",
                "That she wanted to punish him for the lost leg",
                "That Rodolphe has broken her heart",
            ),
            (
                "Charles thinks that he may be at fault.",
                "He does not know about her lovers.",
                "He knows little of the debts.",
            ),
        ),
    ),
    "The Count of Monte Cristo": (
        Question(
            5,
            "belief",
            "What does Mercedes understand when she meets the Count?",
            "That he is Edmond Dantes",
            (
                "That he is a bandit who has deceived her son",
                "That he has come to ask her husband for money",
                "That he is in love with her and hopes to win her from Fernand in spite of everything",
            ),
            (
                "Mercedes recognizes the Count as Edmond Dantes.",
                "She fears for her son or her husband.",
                "She keeps her knowledge to herself.",
            ),
        ),
        Question(
            6,
            "belief",
            "What does the Count expect of the duel when he makes his will?",
            "That he will be killed, because he will not shoot at Albert",
            (
                "That he will kill Albert and have to leave France for ever with the whole of his fortune",
                "That Albert will stay away because his mother has asked him not to come",
                "That Fernand will take the place of his son",
            ),
            (
                "The Count expects to die in the duel.",
                "He has promised to spare Albert.",
                "He gives up his revenge for the sake of Mercedes.",
            ),
        ),
    ),
    "Jane Eyre": (
        Question(
            5,
            "desire",
            "What does Rochester want while he talks about Ireland?",
            "He wants Jane to show that she loves him, before he declares himself",
            (
                "He wants Jane to leave, so that Blanche need not see her in the house after the wedding",
                "He wants Jane to thank him for the trouble that he has taken to find her a post",
                "He wants Jane to bring Adele to a school there",
            ),
            (
                "Rochester wants Jane to reveal her feelings.",
                "He does not intend to marry Blanche.",
                "He wants to marry Jane himself.",
            ),
        ),
        Question(
            6,
            "desire",
            "Why does Jane leave, although she loves Rochester?",
            "She wants to keep her respect for herself, and would lose it if she lived with a married man",
            (
                "She wants to find her relations and her inheritance",
                "She is afraid that his wife will kill her",
                "She wants him to suffer for his lie",
            ),
            (
                "Jane wants to keep her self-respect.",
                "She will not live with a man who has a wife.",
                "She still loves him.",
            ),
        ),
    ),
    "Anna Karenina": (
        Question(
            5,
            "belief",
            "What does Karenin take Anna's cry for?",
            "For a sign that she loves Vronsky",
            (
                "For a sign that she is ill and cannot bear the heat and the noise of the stand any longer",
                "For pity with the mare, which has to be shot",
                "For fear that her brother Stiva has fallen",
            ),
            (
                "Karenin suspects that Anna loves Vronsky.",
                "He notices that she stayed calm when others fell.",
                "He hopes that he is mistaken.",
            ),
        ),
        Question(
            6,
            "emotion",
            "What does Kitty feel about her former refusal of Levin?",
            "She regrets it and is happy that he asks again",
            (
                "She is proud of it, since it has taught him to be humble before her and her family",
                "She is bored by it and wants to speak of something else",
                "She is afraid that he has come to reproach her for it",
            ),
            (
                "Kitty regrets her refusal.",
                "She could not answer otherwise then, because she thought of Vronsky.",
                "She loves Levin now and hopes that he will ask again.",
            ),
        ),
    ),
    "Les Miserables": (
        Question(
            5,
            "desire",
            "What pulls the mayor towards keeping silent?",
            "The wish to stay free and to go on caring for the town and for the child",
            (
                "The wish to be revenged on Champmathieu, who has used his name in order to steal",
                "The wish to become a deputy in Paris",
                "The wish to keep the Bishop's candlesticks",
            ),
            (
                "He wants to remain free.",
                "The town depends on him.",
                "He has promised to help Fantine's child.",
            ),
        ),
        Question(
            6,
            "emotion",
            "What does Javert feel when Valjean lets him go?",
            "Confusion, because mercy from a convict does not fit anything that he believes in",
            (
                "Relief, because he had been afraid of death",
                "Contempt, because Valjean has missed him",
                "Triumph, because he has got the address",
            ),
            (
                "Javert is confused or upset.",
                "He had expected that Valjean would kill him.",
                "He cannot understand mercy from a convict.",
            ),
        ),
    ),
    **FURTHER_QUESTIONS,
}
