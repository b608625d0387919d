package durable

// Remove removes what is kept no longer, now.
var Remove = (*Engine).remove
