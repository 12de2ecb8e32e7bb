"""The pages of a survey, behind its link."""
