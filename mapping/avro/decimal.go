package avro

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// isDecimal reports whether the type's bytes are the digits of a number.
func (n *node) isDecimal() bool { return n.logical == decimalLogical || n.logical == bigDecimalLogical }

// decimal is the literal of a two's complement number, highest byte first, with the
// point before the last scale digits.
func decimal(b []byte, scale int) string {
	unscaled := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		unscaled.Sub(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	sign, digits := "", unscaled.String()
	if unscaled.Sign() < 0 {
		sign, digits = "-", digits[1:]
	}
	if scale == 0 {
		return sign + digits
	}
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - scale
	return sign + digits[:point] + "." + digits[point:]
}

// bigDecimal is the literal of a number that holds its own scale; false for bytes that
// are none. Source: Avro 1.12, "Decimal": the digits as bytes, then the scale as an int.
func bigDecimal(b []byte) (string, bool) {
	w := walker{data: b}
	digits, f := w.bytes()
	if f != nil || len(digits) == 0 {
		return "", false
	}
	scale, f := w.varint()
	if f != nil || scale != int64(int32(scale)) || w.at < len(b) {
		return "", false
	}
	if scale >= 0 && scale <= maxPrecision {
		return decimal(digits, int(scale)), true
	}
	whole := decimal(digits, 0)
	switch {
	case whole == "0":
		return whole, true
	case scale < 0 && scale >= -maxPrecision:
		return whole + strings.Repeat("0", int(-scale)), true
	default: // written out it would be as long as the scale says
		return whole + "e" + strconv.FormatInt(-scale, 10), true
	}
}

// duration is a span of time as ISO 8601 has it, like P1M2DT3.5S. Source: Avro's
// specification, "Duration": months, days and milliseconds, each by itself because
// none is a fixed number of another.
func duration(b []byte) string {
	months, days, millis := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	text := "P"
	if months > 0 {
		text += fmt.Sprintf("%dM", months)
	}
	if days > 0 {
		text += fmt.Sprintf("%dD", days)
	}
	if millis > 0 || text == "P" {
		seconds := (time.Duration(millis) * time.Millisecond).Seconds()
		text += "T" + strconv.FormatFloat(seconds, 'f', -1, 64) + "S"
	}
	return text
}
