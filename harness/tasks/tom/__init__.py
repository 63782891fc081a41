"""Public sets of questions on theory of mind, a module each; their items are those of `questions.about_story`."""
