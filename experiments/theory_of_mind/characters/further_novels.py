"""Four more novels in the public domain, in the form of `plots.PLOTS` and `questions.QUESTIONS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.theory_of_mind.characters.question import Question

FURTHER_PLOTS: Mapping[str, Sequence[str]] = {
    "Emma": (
        "Emma Woodhouse is handsome, clever and rich, and has had her own way for twenty-one years. When her "
        "governess marries Mr. Weston, a neighbor, Emma is convinced that the match was her work, and decides to "
        "make another. Mr. Knightley, an old friend of the family and the only one who tells her of her faults, "
        "says that she made nothing but a lucky guess.",
        "She takes up Harriet Smith, a pretty girl whose parents nobody knows. Harriet likes Robert Martin, a young "
        "farmer, and he proposes to her in a good letter. Emma says that she does not want to influence her, and "
        "influences her until Harriet refuses him. Emma has somebody better in mind: Mr. Elton, the vicar.",
        "Mr. Elton admires the portrait that Emma draws of Harriet, and carries it to London to be framed. In the "
        "carriage after a Christmas dinner he takes Emma's hand and declares his love, to her and not to Harriet. "
        "He is offended when she speaks of her friend. Emma has to tell Harriet that she was wrong, and feels it "
        "keenly for some weeks.",
        "Frank Churchill, Mr. Weston's son, comes at last to visit. He is lively and flatters Emma, and everybody "
        "thinks that he courts her. At the same time Jane Fairfax stays with her poor aunt, Miss Bates, who never "
        "stops talking. Somebody sends Jane a piano and does not give his name. Frank laughs with Emma about who it "
        "may have been.",
        "At a ball Mr. Elton, who has married meanwhile, lets Harriet sit alone on purpose. Mr. Knightley, who "
        "hardly ever dances, leads her to the set. Some days later Frank saves Harriet from a crowd of begging "
        "children. Harriet tells Emma that she will never marry, because the man whom she admires stands so far "
        "above her, and speaks of a service that he did her. Emma names nobody, and is glad of it.",
        "On a picnic at Box Hill everyone is to say something clever, or three dull things. Miss Bates says "
        "cheerfully that three dull things will come out as soon as she opens her mouth. Emma cannot resist: the "
        "difficulty is that she will be limited to three. Miss Bates needs a moment; then a blush shows that she "
        "has understood. When the carriages are called, Mr. Knightley tells Emma that it was badly done: a poor "
        "woman, who knew her as a child. In her carriage Emma says nothing to Harriet and lets the tears run down "
        "all the way home.",
        "It comes out that Frank and Jane have been engaged in secret from the start. Emma fears for Harriet and "
        "tells her gently. But Harriet had never thought of Frank. The service was the dance, she says, and the man "
        "is Mr. Knightley, and she has some hope that he returns her feelings. Emma turns away and looks at the "
        "fire. Why should it be so much worse that Harriet is in love with Mr. Knightley than with Frank Churchill? "
        "It goes through her with the speed of an arrow that Mr. Knightley must marry no one but herself.",
    ),
    "Wuthering Heights": (
        "Mr. Earnshaw of Wuthering Heights comes home from Liverpool with a ragged dark child whom he found in the "
        "street. The boy is called Heathcliff. The old man soon loves him more than his own son Hindley, who hates "
        "him for it. Catherine, the daughter, spits at the newcomer on the first evening, and before long cannot be "
        "parted from him.",
        "When the old man dies, Hindley becomes master. He sends Heathcliff to live with the servants and to work "
        "in the fields, and has him flogged. Catherine teaches him what she learns. On Sundays the two run away to "
        "the moors and stay there all day, and laugh at the punishment afterwards.",
        "One evening they look through the windows of Thrushcross Grange, where the Linton children quarrel over a "
        "little dog. The watchdog catches Catherine by the ankle. She is kept at the Grange for five weeks and "
        "comes back in a silk dress with gloves. She laughs at how black and cross Heathcliff looks. He answers "
        "that he will be as dirty as he pleases.",
        "Edgar Linton, fair and gentle, visits Catherine often. She wants to please him, and she wants to please "
        "Heathcliff, who marks on a calendar the evenings that she spends with each. Hindley drinks since his wife "
        "has died, and swears that he will make a beggar of Heathcliff. Heathcliff thinks day and night of how to "
        "pay him back.",
        "Edgar sees Catherine pinch the servant and box the child's ears, and is about to go; but he turns back at "
        "the window, and an hour later they are engaged. That night she sits down in the kitchen with Nelly, the "
        "housekeeper. She wants to know whether she was right to accept him. She does not see that Heathcliff lies "
        "on the bench behind the wall.",
        "Catherine says that she loves Edgar since he is handsome, and will be rich. In her heart, though, she is "
        "convinced that she is wrong. It would degrade her to marry Heathcliff now. At these words Nelly sees him "
        "rise from the bench and steal out without a sound. He does not stay to hear the rest: that her love for "
        "Edgar is like the leaves in the woods, and that for Heathcliff like the rocks beneath; that he is more "
        "herself than she is. By the morning he has left the house, and nobody knows where to.",
        "Three years later, when Catherine has long been Mrs. Linton, a tall and well-dressed man waits in the dusk "
        "at the Grange and asks to see her. It is Heathcliff. Catherine flies up the stairs to Edgar, breathless, "
        "and throws her arms round his neck. Edgar says that there is no need to be frantic, and suggests the "
        "kitchen as a suitable room for the guest. She has two tables set, one for the gentry and one for the lower "
        "orders, and laughs. She takes Heathcliff's hands, and Edgar's unwilling fingers too, and presses them into "
        "one another.",
    ),
    "The Scarlet Letter": (
        "In Boston, in the days of the Puritans, Hester Prynne stands on the scaffold with a baby in her arms and a "
        "scarlet letter A on her breast, which she has embroidered with gold. Her husband sent her ahead from "
        "Europe two years ago, and he never came. The magistrates demand the name of the child's father. She "
        "refuses to give it.",
        "In the crowd an elderly scholar looks up, and she knows him: it is her husband. He lays a finger on his "
        "lips. In the prison he visits her as a physician under the name of Chillingworth. He does not want revenge "
        "on her. He only wants to find the man, and makes her promise to tell nobody who he is.",
        "It is the young minister, Dimmesdale, who had to call on Hester in public to name the father. He spoke "
        "with his hand over his heart, and when she said no, he murmured something about the generous heart of a "
        "woman. The people love him for his sermons. Month by month he grows thinner and paler.",
        "Hester lives in a cottage by the sea and earns her bread with her needle. Her daughter Pearl is wild and "
        "bright, and asks about the letter. When the governor wants to take the child from her, Hester turns to "
        "Dimmesdale and cries that he must speak for her. He does so, in a trembling voice, and she may keep Pearl. "
        "Chillingworth remarks with a smile that the minister speaks with strange earnestness.",
        "Chillingworth moves into the minister's house in order to care for his health. They talk for hours. He "
        "asks why people carry secrets into the grave, and watches his patient's face. One noon, when Dimmesdale "
        "has fallen asleep over a book, the physician pushes aside the cloth on his breast, looks, and raises his "
        "arms to the ceiling like a man who has won.",
        "One night Dimmesdale walks to the empty scaffold and stands where Hester stood seven years before. There "
        "is nobody to see him. He cries out aloud, and nobody wakes. When Hester and Pearl pass by from a deathbed, "
        "he asks them to come up, and takes the child's hand. Pearl asks whether he will stand there with them "
        "tomorrow at noon. Not tomorrow, says the minister; at the great judgment day. The child laughs and tries "
        "to pull away her hand. A light flashes in the sky, and in it they see Chillingworth standing and smiling "
        "up at them.",
        "Hester has asked Chillingworth to release her from her promise, and waits in the forest for the minister. "
        "She tells him that the man who lives under his roof was her husband. He sinks to the ground, and then he "
        "forgives her. They agree to leave with Pearl on a ship for Europe in four days. Hester takes the letter "
        "from her breast and throws it towards the brook. She lets down her hair, and the sun breaks through the "
        "trees. When she calls Pearl, the child stops on the other side of the water, points at her breast, stamps "
        "with her foot and will not come.",
    ),
    "Frankenstein": (
        "Victor Frankenstein grows up in Geneva in a happy home, with his friend Clerval and with Elizabeth, an "
        "orphan whom his parents have taken in and whom he is to marry. As a boy he reads old books on magic. At "
        "the university a professor shows him what modern chemistry can do, and he wants to learn how life begins.",
        "He stops writing home. He collects bones from graves, and after two years he has made a being of the size "
        "of a giant. On a night in November it opens its eyes. Victor had chosen every feature to be beautiful, and "
        "now he sees the yellow skin and the watery eyes. He runs out of the room. Later the creature comes to his "
        "bed, smiles, and stretches out a hand. Victor flees into the yard.",
        "In the spring a letter from his father says that his little brother William has been strangled. At home "
        "Justine, a servant whom all of them love, is accused, because a locket of the child's was found in her "
        "pocket. In a flash of lightning Victor has seen the giant shape on the mountain, and he knows who did it. "
        "He says nothing, since nobody would believe him. Justine is hanged.",
        "High on a glacier the creature catches up with Victor and begs to be heard. It tells how it learned to "
        "speak by watching a poor family through a hole in the wall. It brought them wood in secret every night, "
        "and called them its protectors. It saw its own face in a pool, and understood why people ran away.",
        "The creature waited until the others had gone, and then went in to the old father, who was blind. The old "
        "man spoke to it kindly. Then the children came home. The girl fainted, and the son beat the stranger with "
        "a stick. It could have torn him to pieces, and did not. It ran out into the woods. The family moved away, "
        "and at night it burned the empty cottage down.",
        "On its way to Geneva the creature pulled a girl out of a river, and her companion shot at it. In a wood it "
        "met a small boy. It thought that a child so young could have no prejudice, and that it might bring him up "
        "as a friend. It caught him by the arm. The boy screamed, called it an ogre, and said that his father was "
        "Mr. Frankenstein and would punish it. The creature's hand closed round his throat. Now it asks Victor for "
        "one thing: a companion as ugly as itself. With her it will go to the wilds of South America, and no one "
        "will ever see them again.",
        "Victor promises it, and sets up a laboratory on a lonely island in the north. When the second being is "
        "almost done, he begins to think. She has promised nothing; they may hate each other; they may have "
        "children. He looks up and sees the creature at the window, grinning in the moonlight. Before its eyes he "
        "tears the work to pieces. It howls and goes. Later in the night it comes back and says: I shall be with "
        "you on your wedding night. Victor marries Elizabeth some months later. He sends her to bed early, and "
        "walks through the passages of the inn with a pistol, looking for his enemy in every corner.",
    ),
}

FURTHER_QUESTIONS: Mapping[str, Sequence[Question]] = {
    "Emma": (
        Question(
            5,
            "emotion",
            "Why does Emma weep in the carriage?",
            "She is ashamed of having hurt Miss Bates, and grieved by what Mr. Knightley thinks of her",
            (
                "She is angry that Harriet has not defended her in front of all the others on the hill",
                "She is sad that the picnic is over",
                "She is hurt that Frank has not looked at her",
            ),
            (
                "Emma is ashamed of her joke.",
                "She sees that she has hurt Miss Bates.",
                "It pains her that Mr. Knightley blames her.",
            ),
        ),
        Question(
            6,
            "desire",
            "What does Emma find out about her own wishes?",
            "That she wants Mr. Knightley for herself",
            (
                "That she wants Frank Churchill to leave Jane and to come back to her after all",
                "That she wants Harriet to go back to the farmer and be happy with him",
                "That she wants never to make a match again",
            ),
            (
                "Emma loves Mr. Knightley.",
                "She cannot bear the thought that he might marry Harriet.",
                "She had not known it before.",
            ),
        ),
    ),
    "Wuthering Heights": (
        Question(
            5,
            "belief",
            "What does Heathcliff believe when he steals out of the room?",
            "That Catherine despises him and does not love him",
            (
                "That Catherine has seen him on the bench and wants to make him jealous",
                "That Nelly will tell Hindley where he has been hiding",
                "That Catherine means to refuse Edgar",
            ),
            (
                "Heathcliff believes that Catherine looks down on him.",
                "He believes that she does not love him.",
                "He has not heard that she loves him more than Edgar.",
            ),
        ),
        Question(
            6,
            "emotion",
            "How does Edgar feel about the visit?",
            "Annoyed and jealous, since his wife is so glad of a man whom he looks down on",
            (
                "Glad, since his wife has been so lonely in the three years of their marriage that he feared for her",
                "Afraid, since Heathcliff has come with a weapon",
                "Curious, since he does not know who the guest is",
            ),
            (
                "Edgar is jealous or annoyed.",
                "He looks down on Heathcliff.",
                "He tolerates him for Catherine's sake.",
            ),
        ),
    ),
    "The Scarlet Letter": (
        Question(
            5,
            "intention",
            "What does Dimmesdale want to do on the scaffold at night?",
            "To do penance for his sin where he need not be seen",
            (
                "To wait for Hester, with whom he has agreed to flee on a ship this very night",
                "To find out whether the people of the town are watchful and would come to his help",
                "To practice a sermon against the sin of hypocrisy",
            ),
            (
                "Dimmesdale wants to atone for his guilt.",
                "He is too afraid to confess in public.",
                "He is the father of the child.",
            ),
        ),
        Question(
            6,
            "desire",
            "What does Pearl want when she points at her mother's breast?",
            "She wants her mother to put on the letter, without which she seems a stranger",
            (
                "She wants her mother to throw the letter farther, so that the brook can carry it away to the sea",
                "She wants the minister to give her a flower for her dress",
                "She wants to go home because the forest frightens her",
            ),
            (
                "Pearl wants her mother to wear the letter again.",
                "Without it she does not know her mother as she has always been.",
                "She may feel pushed aside by the minister.",
            ),
        ),
    ),
    "Frankenstein": (
        Question(
            5,
            "desire",
            "Why did the creature take hold of the boy?",
            "It hoped for a friend who would not fear it",
            (
                "It knew that he was Victor's brother and wanted to kill him in revenge",
                "It wanted to ask him the way to Geneva and to his father's house",
                "It was hungry and wanted the bread that he carried",
            ),
            (
                "The creature is lonely.",
                "It wanted to bring the boy up as a friend.",
                "It believed that a child would have no prejudice.",
            ),
        ),
        Question(
            6,
            "belief",
            "Whom does Victor believe to be in danger on his wedding night?",
            "Himself alone, so that he leaves his wife without protection",
            (
                "Elizabeth, so that he walks about the inn to keep the creature away from her door",
                "His father, so that he has asked him to stay at home in Geneva",
                "Nobody, because he has destroyed the second being",
            ),
            (
                "Victor believes that the creature will attack him.",
                "He does not see that the threat is meant for Elizabeth.",
                "He leaves her alone while he searches.",
            ),
        ),
    ),
}
