"""Files of the engines' formats, written from a Net: one module per format, each a table of layer kind -> method."""
