package export

// MostAhead is how many lists below objects are read at once.
const MostAhead = mostAhead
