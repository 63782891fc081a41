"""Stories made by rule in which people leave one by one, with questions of orders 0 to 4."""
