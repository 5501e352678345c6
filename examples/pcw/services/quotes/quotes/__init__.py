"""Takes insurance enquiries and answers with sorted quotes."""
