"""Public sets of questions on theory of mind, a module each; `questions.about_story` makes their items."""
