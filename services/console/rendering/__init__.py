"""Templates, files and words that every page is drawn with."""
