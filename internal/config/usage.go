package config

// UsageError is a fault in what the user gave: a setting, a file, or the state of what they
// name. The program ends with exit code 2.
type UsageError struct{ Err error }

// Error implements error.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *UsageError) Unwrap() error { return e.Err }

// FlagError is a fault in the arguments of a command. The program ends with exit code 2 and
// names the command's help.
type FlagError struct{ Err error }

// Error implements error.
func (e *FlagError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *FlagError) Unwrap() error { return e.Err }
