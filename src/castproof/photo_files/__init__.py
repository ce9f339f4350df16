"""Whether the file of a photo is whole and within its limits, before and beside what a decoder says of it."""
