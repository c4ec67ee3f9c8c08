//! The judge: from what the API said so far to "still moving" or an ending. Pure.
