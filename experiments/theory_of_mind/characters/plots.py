"""Parts of the plots of twelve novels in the public domain, told in our own words, in the order of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.theory_of_mind.characters.further_novels import FURTHER_PLOTS

PLOTS: Mapping[str, Sequence[str]] = {
    "Pride and Prejudice": (
        "Mr. and Mrs. Bennet have five daughters and little money to leave them, because their house will go to a "
        "cousin when Mr. Bennet dies. Mrs. Bennet therefore thinks of nothing but husbands. When the rich and "
        "friendly Mr. Bingley rents a house nearby, the whole neighborhood hopes that one of its girls will catch "
        "him, and Mrs. Bennet is sure that it will be her eldest, the gentle Jane.",
        "At the first ball, Bingley dances twice with Jane and likes everybody. His friend Mr. Darcy is richer "
        "still, but he walks about the room with a cold face and speaks to nobody he does not know. When Bingley "
        "points out Elizabeth, the second of the sisters, Darcy says that she is not handsome enough to tempt him. "
        "Elizabeth hears it, laughs about it with her friends, and keeps a dislike of him.",
        "A young officer, Wickham, comes to the town and charms everyone. He tells Elizabeth that Darcy robbed him "
        "of a church living which Darcy's late father had promised him. Elizabeth believes every word, since it "
        "fits all that she has thought of Darcy before. She does not ask herself why a stranger should tell her so "
        "much at their second meeting.",
        "Mr. Collins, the cousin who will get the house, asks Elizabeth to marry him in a long and pompous speech, "
        "and will not take her refusal for a refusal. Some days later he proposes to her sensible friend Charlotte, "
        "who accepts him for the sake of a home. Elizabeth is shocked: she had not thought that Charlotte would "
        "give up all hope of happiness in a marriage.",
        "Bingley suddenly leaves for London, and his sister writes that he will not come back. Jane suffers in "
        "silence. While Elizabeth visits Charlotte in her new home, a cousin of Darcy's tells her with pride that "
        "Darcy has lately saved a friend from an unwise marriage. Elizabeth understands at once that the friend was "
        "Bingley, and that the bride would have been Jane. She cries until her head aches.",
        "That very evening Darcy walks in, paces up and down the room and tells Elizabeth that he has struggled in "
        "vain and loves her. He speaks at length of her low family and of how hard he has fought against his "
        "feelings. It is plain from his face that he awaits a yes. Elizabeth refuses him. She names Jane, she names "
        "Wickham, and she tells him that he has not behaved like a gentleman. He turns pale, says little, and goes.",
        "The next morning Darcy puts a letter into her hand. It says that he had thought Jane indifferent to "
        "Bingley, and that Wickham had taken money in place of the living, wasted it, and then tried to run away "
        "with Darcy's sister, who was fifteen. Elizabeth reads it first in anger and then slowly, line by line. She "
        "recalls how readily Wickham had talked to her. She walks up and down the lane for two hours, and says to "
        "herself that until this moment she never knew herself.",
    ),
    "Great Expectations": (
        "Pip, an orphan, grows up in the marshes with his sharp-tongued sister and her husband Joe, a kind "
        "blacksmith. On a cold evening in the churchyard, an escaped convict seizes him and demands food and a "
        "file. Pip is terrified, steals both from the pantry, and brings them at dawn. The soldiers catch the man "
        "that day, but he tells nobody of the boy's help and says that he took the food himself.",
        "Some time later Pip is sent to play at the house of Miss Havisham, a rich old lady who was left on her "
        "wedding day. She still wears the yellowed dress, and all her clocks stand still at the minute when the "
        "letter came. With her lives Estella, a girl of Pip's age, beautiful and proud, who laughs at his thick "
        "boots and coarse hands.",
        "Pip goes home ashamed of things that he had never minded before: his boots, the forge, and Joe's way of "
        "talking. Miss Havisham likes to see him look at Estella, and asks him again and again whether she is not "
        "pretty. When he is old enough, she pays for his apprenticeship to Joe and tells him not to expect any more "
        "of her. Pip works at the forge and is unhappy.",
        "One night a London lawyer, Mr. Jaggers, tells Pip that he has great expectations. Somebody who wants to "
        "stay unknown will pay for him to become a gentleman. The lawyer also works for Miss Havisham. When Pip "
        "takes leave of her in his new suit, she asks about his good fortune with a smile, while a jealous relation "
        "stands by and listens.",
        "In London Pip spends more than he has and makes friends with Herbert, a cheerful young man. When Joe comes "
        "to visit, he turns his hat in his hands and calls Pip sir, and Pip is impatient with him. Joe soon sees "
        "that he is out of place. He says gently that the two of them are not to be seen together in London, and "
        "goes home.",
        "Estella comes to London as a grown lady. She warns Pip that she has no heart. He does not believe her, for "
        "he has made a plan of his life in his mind: the house with the stopped clocks will be opened, the sun will "
        "come into its rooms, and he will marry Estella there. Why else should Miss Havisham have made a gentleman "
        "of him? He tells Herbert that he feels sure of it, though nobody has ever said so.",
        "On a stormy night, when Pip is twenty-three, a weather-beaten man climbs the stairs to his rooms, holds "
        "out both hands to him and looks round with delight at the books and the rings. It is the convict of the "
        "churchyard. He has made a fortune with sheep in Australia and sent it all to Pip; he has risked hanging to "
        "come and see his gentleman. Pip shrinks from his touch. When the man has gone to bed, Pip sits by the dead "
        "fire and thinks of Joe, whom he left for this.",
    ),
    "Crime and Punishment": (
        "Raskolnikov, a poor student in St. Petersburg, has given up his studies and lies for days in a room like a "
        "cupboard. He owes rent and pawns his last things with an old woman whom everybody hates. In a tavern he "
        "hears two men say that her money could help hundreds, and that it would be no crime to kill her. He has "
        "thought the same, and the chance words seem to him a sign.",
        "A letter comes from his mother. His sister Dunya is to marry a rich and self-satisfied lawyer, Luzhin. "
        "Raskolnikov understands that she does it for his sake, so that he may finish his studies. He is filled "
        "with rage, swears that the marriage shall not take place, and feels that he must act at once or give up "
        "his life.",
        "He kills the old woman with an axe, and then her harmless sister, who comes in by chance. He escapes by "
        "luck, hides the purse and the trinkets under a stone without counting them, and never touches them again. "
        "For days he lies in a fever. When the police send for him about his rent, he faints in their office at the "
        "talk of the murder.",
        "He meets Marmeladov, a drunken clerk, whose daughter Sonya walks the streets to feed the small children of "
        "her stepmother. When Marmeladov is run over by a carriage, Raskolnikov gives the widow all the money that "
        "his own mother has sent him. For an hour he feels alive again.",
        "The examining magistrate, Porfiry, has read an article in which Raskolnikov wrote that extraordinary men "
        "may step over the law. He chats, winks, laughs, and speaks of how a guilty man circles round him like a "
        "moth round a candle. He has no proof. But he lets Raskolnikov see that he is suspected, and then he lets "
        "him go home.",
        "Porfiry now visits Raskolnikov in his room, sits down, and lights a cigarette. He says calmly that he "
        "knows who did it, and that he will not arrest him for two days. He advises him to come of his own accord: "
        "the sentence will be lighter, and he will give his word that he never suspected him. He adds that a man "
        "cannot live without air, and that Raskolnikov will not run away, for he would only come back. Raskolnikov "
        "admits nothing.",
        "Raskolnikov has told Sonya what he did. She threw her arms round him and cried that there was nobody in "
        "the world so unhappy. Now she gives him a cross of cypress wood, and he goes out to the police office. On "
        "the way he kneels at the crossroads and kisses the ground, as she had asked, and people laugh at him. On "
        "the stairs of the office he turns back and comes down without having spoken. In the yard stands Sonya, "
        "deadly pale. He looks at her face, smiles in a lost way, and goes up again.",
    ),
    "Madame Bovary": (
        "Charles Bovary is a country doctor, good-natured and slow. He sets a farmer's leg, and on his visits he "
        "meets the farmer's daughter Emma, who was brought up in a convent and has read novels about moonlight and "
        "passion. After the death of his first wife he asks for her hand. Emma expects that marriage will bring the "
        "feelings that she knows from her books.",
        "It does not. Charles is happy: he loves her hair, her combs, her way of leaning out of the window. Emma "
        "finds that his talk is as flat as a pavement. At a ball in the castle of a marquis she dances with a "
        "viscount and sees how the rich live. For months afterwards she counts the weeks since that night and waits "
        "for something to happen.",
        "Since Emma is pale and coughs, Charles gives up a good practice and moves to a larger village for her "
        "sake. There Homais, the chemist, talks without end about progress, and Lheureux, a draper, shows her "
        "scarves and says that there is no hurry to pay. She has a daughter, and had wished for a son.",
        "A young clerk, Leon, loves Emma in silence and leaves for Paris. She is proud of her virtue and miserable. "
        "Then Rodolphe, a landowner who knows women, sees her and makes up his mind to have her within a few "
        "minutes. He is already thinking of how to get rid of her later. At the agricultural show he whispers to "
        "her of destiny while a speaker praises manure.",
        "Rodolphe becomes her lover. Emma repeats to herself that she has a lover, as if a second youth had come. "
        "Urged by her and by Homais, Charles operates on a stable boy's club foot in order to become famous. The "
        "leg turns black and must be cut off. Emma looks at her husband and is ashamed to have thought once more "
        "that he might be worth something.",
        "Emma wants Rodolphe to run away with her and has bought a cloak and a trunk from Lheureux on credit. "
        "Rodolphe has put the journey off twice. On the evening before they are to leave, he sits at his desk, "
        "looks through a box of letters from many women, and writes to her that he must not ruin her life. He finds "
        "no tears, so he lets a drop of water fall on the paper, which makes a pale stain on the ink. Then he "
        "smokes three pipes and goes to bed.",
        "Years later, after a second affair, with Leon, and endless bills of exchange, the court is going to sell "
        "all the furniture. Emma has asked Leon, the notary and Rodolphe for money, and none has given it. She "
        "swallows arsenic from the chemist's shelf. Charles, who knows nothing of lovers and little of the debts, "
        "falls on his knees at her bed. He asks whether she was not happy, and whether it is his fault; he has done "
        "all that he could. She strokes his hair slowly and says that he is good.",
    ),
    "The Count of Monte Cristo": (
        "Edmond Dantes, a sailor of nineteen, comes back to Marseilles. He is to become captain of his ship and to "
        "marry Mercedes, a girl from the Catalan village. Danglars, the purser, wants his post. Fernand, a "
        "fisherman, wants his bride. Together they write to the prosecutor that Dantes carries a letter for the "
        "followers of the exiled Napoleon.",
        "He does carry one: his dying captain gave it to him, and he does not know what is in it. The prosecutor, "
        "Villefort, finds him innocent and is about to let him go. Then he reads the address. The letter is for his "
        "own father. He burns it before the young man's eyes, speaks kindly to him, and sends him without trial to "
        "a fortress on an island in the sea.",
        "Dantes waits for justice, then despairs, and wants to starve himself. After years he hears a scratching in "
        "the wall. A learned old priest, Faria, has dug a tunnel into the wrong cell. Faria teaches him languages, "
        "history and sciences. He also asks him who gained by his arrest, and puts the story together from the "
        "handwriting and the dates. Dantes had never suspected anybody.",
        "Faria is sorry to have helped him to the truth, because he has put revenge into his heart. Before he dies, "
        "he tells Dantes of a treasure on the island of Monte Cristo. Dantes sews himself into the dead man's sack, "
        "and is thrown into the sea instead of him. He cuts himself free, finds the treasure, and learns that his "
        "father has starved and that Mercedes has married Fernand.",
        "Ten years later the Count of Monte Cristo, whom nobody has ever seen before, is the talk of Paris. "
        "Danglars is a banker now, Fernand a general and peer, Villefort a chief prosecutor. All three are glad to "
        "know a man of such wealth. In Rome the Count has saved Albert, the son of Fernand and Mercedes, from "
        "bandits, and the young man brings him gratefully to his parents' house.",
        "In the salon Fernand thanks the Count with a bow for the life of his son. Then Mercedes comes in. She "
        "stops in the doorway, turns white, and holds on to the frame. She thanks him in a low voice. When he has "
        "gone, she asks Albert whether the Count is his friend, how old he may be, and where he comes from. She "
        "begs her son to be careful. At a later party she offers the Count grapes with her own hand, three times, "
        "and he declines each time. He eats nothing in her house.",
        "A newspaper reports how Fernand betrayed the pasha who trusted him. Albert learns that the Count is behind "
        "it and challenges him to a duel. The night before, a veiled woman comes to the Count's house. She throws "
        "back her veil and calls him Edmond. She says that her son must live. He shows her the letter of the two "
        "traitors, and she asks his pardon on her knees for having been weak. He has never missed a shot. He "
        "promises that her son shall live; and when she has left, thanking him, he sits down and makes his will.",
    ),
    "Jane Eyre": (
        "Jane, an orphan of ten, lives with her aunt, Mrs. Reed, who dislikes her and takes her own children's side "
        "in everything. When John Reed strikes her with a book, Jane strikes back, and she is locked into the red "
        "room in which her uncle died. She screams with fear, and nobody lets her out. Later she tells her aunt to "
        "her face that she will never call her aunt again.",
        "She is sent to a charity school where the girls freeze and starve for the good of their souls. Her friend "
        "Helen bears all of it with patience, and dies of consumption in Jane's arms. After a fever has killed many "
        "pupils, the school is reformed. Jane stays for eight years, at last as a teacher, and then advertises for "
        "a post.",
        "She becomes governess to Adele, a little French girl, at Thornfield Hall. The house is quiet, but now and "
        "then a strange laugh comes from the upper floor. Mrs. Fairfax, the housekeeper, says that it is Grace "
        "Poole, who sews there. On an icy lane Jane helps a gruff rider whose horse has slipped, and finds out at "
        "home that he is her master, Mr. Rochester.",
        "Rochester likes to talk with Jane in the evenings, since she answers him plainly. One night she smells "
        "smoke, finds the curtains of his bed in flames, and puts them out with water. He goes up to the third "
        "floor, comes back, and tells her to say nothing. Next day Grace Poole sits at her sewing as usual, and "
        "Jane cannot understand why she is not sent away.",
        "Rochester brings a party of fine guests, among them the beautiful Blanche Ingram, whom everyone expects "
        "him to marry. He insists that Jane sit in the drawing room each evening. She watches from a corner how "
        "Blanche tries to please him, and sees that it does not succeed. She finds that she cannot stop loving him, "
        "although she has told herself to.",
        "On a midsummer evening in the orchard Rochester tells Jane that he will be married in a month, and that he "
        "has found her a post in the west of Ireland. It is a long way off, she says, and begins to weep. He goes "
        "on about the journey and watches her face. At last she cries out: does he think that she is a machine "
        "without feelings, because she is poor and plain? She has as much soul as he. He answers that Blanche means "
        "nothing to him, and that it is Jane whom he asks to be his wife.",
        "In the church a lawyer stops the wedding: Rochester has a wife already, who is mad and is kept on the "
        "third floor by Grace Poole. He admits it and shows her to them. That night he begs Jane to go with him to "
        "the south of France, where nobody knows them. Who in the world, he asks, would care what she does? She "
        "answers that she cares for herself. The more alone she is, the more she will respect herself. Before dawn "
        "she kisses nobody good-bye, takes a little bread, and slips out by a side door.",
    ),
    "Anna Karenina": (
        "Stiva Oblonsky has deceived his wife Dolly with the governess, and the house is upside down. His sister "
        "Anna comes from St. Petersburg to make peace. At the station she meets Count Vronsky, a young officer who "
        "has come to fetch his mother. A guard is crushed by a train. Vronsky leaves money for the widow when he "
        "sees that Anna is moved.",
        "Levin, a shy landowner, asks Dolly's sister Kitty to marry him. Kitty refuses, because she expects a "
        "proposal of Vronsky, who has been at the house every day. At the great ball she wears her finest dress and "
        "waits for the last dance. Then she sees Vronsky's face as he looks at Anna, and Anna's as she looks at "
        "him.",
        "Anna leaves Moscow early. In the night the train halts in a snowstorm, and on the platform stands Vronsky, "
        "who says that he travels in order to be where she is. Her husband Karenin meets her in St. Petersburg. He "
        "is a high official, dry and correct. For the first time she notices how far his ears stick out.",
        "Within a year Anna is Vronsky's mistress. Society smiles and waits. Karenin speaks to her about "
        "appearances and the rules of religion, and she pretends not to understand. She lives for her son Seryozha, "
        "who is eight, and feels that he looks at her as at somebody who has to be forgiven.",
        "Levin has gone back to his fields after Kitty's refusal. He mows with the peasants all day and thinks that "
        "he wants nothing else. One morning a carriage passes him, and Kitty looks out of its window. He "
        "understands at once that all his plans of a simple life were made only because he could not have her.",
        "At the races the officers jump hurdles and ditches. Karenin sits in the stand near his wife. Anna does not "
        "see him: her field glasses follow one rider only. Vronsky is in front, and then his mare falls at the last "
        "ditch. Anna gives a loud cry, gets up, and flutters like a caught bird. Others have fallen before, and she "
        "sat still. Karenin offers her his arm three times. In the carriage he says that her behavior was not "
        "proper, and hopes that he is mistaken. She answers that he is not mistaken.",
        "Levin meets Kitty at a dinner of Stiva's. They stand at a card table with chalk lying on it. He writes the "
        "first letters of each word of a long question: when you told me that it could not be, did that mean never, "
        "or then? She frowns, looks at him, and whispers that she has understood. She writes letters too, that then "
        "she could not answer otherwise. He reads them, takes the chalk with trembling fingers, breaks it, and "
        "writes on. He has hardly finished when she nods and writes her answer.",
    ),
    "Les Miserables": (
        "Jean Valjean has spent nineteen years in the galleys for a loaf of bread and for trying to escape. When he "
        "is let go, no inn will take him because of his yellow passport. Only the old Bishop of Digne gives him "
        "supper and a bed and calls him brother. In the night Valjean takes the silver from the cupboard and climbs "
        "over the wall.",
        "The police bring him back at dawn. The Bishop greets him as a friend, says that the silver was a gift, and "
        "gives him the two candlesticks as well. When they are alone, he tells him that he has bought his soul for "
        "God. Valjean wanders about all day like a drunken man, and weeps for the first time in nineteen years.",
        "Years later a stranger named Madeleine has made a small town rich with a new way of making black beads. He "
        "is kind to the poor and has been made mayor. Only Javert, the police inspector, watches him with narrow "
        "eyes. He has seen such strength once before, in a convict, when the mayor lifts a cart off an old man who "
        "is being crushed.",
        "Fantine, once a worker in the factory, has sold her hair and her teeth to pay for her child Cosette, whom "
        "she left with the innkeepers Thenardier. Javert wants to put her in prison. The mayor sets her free and "
        "promises to fetch her daughter. She had thought until then that it was he who had dismissed her.",
        "Javert comes to the mayor and asks to be dismissed himself. He says that he had denounced the mayor in "
        "Paris as the convict Valjean, and that he has been wrong, as the true Valjean has been found: a man named "
        "Champmathieu, who stole apples and will be sent to the galleys for life. The mayor says that it is "
        "nothing, and tells him to stay.",
        "All night the mayor walks up and down in his room. He only needs to keep silent, and nobody will ever look "
        "for him again. He burns his old clothes and takes up the candlesticks, which he wants to melt. Then he "
        "seems to hear a voice call his name. He thinks of the town that lives by him, and of Fantine's child; and "
        "of the old man with the apples. In the morning he drives to the court. He stands up before the judges and "
        "says: I am Jean Valjean.",
        "Long afterwards, at the barricade in Paris, the rebels have caught Javert as a spy. Valjean, who came to "
        "watch over the young man whom Cosette loves, asks to be allowed to shoot him. He leads him round the "
        "corner into an alley and cuts the ropes. Javert says that a knife suits him better. Valjean tells him that "
        "he is free, gives him the address at which he lives, and fires into the air. Javert goes off slowly, turns "
        "round and shouts: you annoy me, kill me rather.",
    ),
    **FURTHER_PLOTS,
}
"""Twelve books, seven paragraphs each. Questions are about the last two; those before are their background."""
