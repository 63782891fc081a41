"""Tasks: where items come from, and how answers to them are graded."""
