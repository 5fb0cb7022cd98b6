package letters

import "strconv"

// number reads a header's number. Tools write it as decimal text, as 4 or 8 bytes with
// the most significant first, or as the bytes of a Java BigInteger; text wins where
// the bytes could be either, since the other reading of digits is a number that no
// topic reaches.
func number(value []byte) (n int64, ok bool) {
	if isDecimal(value) {
		n, err := strconv.ParseInt(string(value), 10, 64)
		return n, err == nil
	}
	if len(value) == 0 || len(value) > 8 {
		return 0, false
	}
	n = int64(int8(value[0])) // two's complement, whatever the length
	for _, b := range value[1:] {
		n = n<<8 | int64(b)
	}
	return n, true
}

func isDecimal(value []byte) bool {
	digits := value
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	for _, b := range digits {
		if b < '0' || b > '9' {
			return false
		}
	}
	return len(digits) > 0
}
