// Package letters reads dead letters, this program's and those of others, and says
// what is to become of them.
//
// Parse reads one record of a dead-letter topic. Whose conventions it follows is told
// by its headers and never guessed: a record that follows none is of the dialect
// Unknown, and one of ours that is damaged says so in Fault. A Filter picks letters,
// Groups counts them by cause, a State says what became of one, and a Plan is the file
// between looking and sending.
//
// The package does no I/O: records come from internal/journal and go through the sink.
package letters
