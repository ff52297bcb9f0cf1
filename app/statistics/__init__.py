"""The figures that parliament asked for, counted without following anybody."""
