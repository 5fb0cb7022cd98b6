package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// metricOf adds up a metric over its labels. It is 0 while nothing answers.
func metricOf(ctx context.Context, url, name string) (sum float64, err error) {
	_ = get(ctx, url, func(r io.Reader) error { // the endpoint may not be open yet
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			line := lines.Text()
			if !strings.HasPrefix(line, name+"{") && !strings.HasPrefix(line, name+" ") {
				continue
			}
			value, parseErr := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
			if parseErr != nil {
				err = fmt.Errorf("reading the metric %s: %w", name, parseErr)
				return err
			}
			sum += value
		}
		return lines.Err()
	})
	return sum, err
}
