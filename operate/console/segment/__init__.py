"""What the page Segment is made of: how a segment goes, what its policy believes, its versions, and who teaches it."""
