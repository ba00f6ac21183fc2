"""How good a segmentation is, and how many clicks it takes to make it good."""
