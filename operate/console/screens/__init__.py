"""The screens of the console, one file each; each has a function `show`."""
