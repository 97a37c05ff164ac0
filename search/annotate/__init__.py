"""Words for images: tags from a list of labels, captions from what is indexed."""
