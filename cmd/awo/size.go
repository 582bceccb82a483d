package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
	quantity "k8s.io/apimachinery/pkg/api/resource"
)

// size is a flag for an amount of bytes, written as Kubernetes writes quantities: 512Mi, 2G, 1000000.
type size struct {
	target *int64
	// auto, if set, is what the word auto stands for.
	auto int64
}

var _ pflag.Value = size{}

func (s size) String() string {
	switch {
	case s.target == nil:
		return ""
	case s.auto != 0 && *s.target == s.auto:
		return "auto"
	case *s.target == 0:
		return "0"
	}
	return quantity.NewQuantity(*s.target, quantity.BinarySI).String()
}

func (s size) Type() string { return "size" }

func (s size) Set(text string) error {
	if s.auto != 0 && text == "auto" {
		*s.target = s.auto
		return nil
	}
	value, err := bytesOf(text)
	if err != nil {
		return err
	}
	*s.target = value
	return nil
}

// bytesOf reads an amount of bytes. GiB is taken for Gi: everybody writes it now and then.
func bytesOf(text string) (int64, error) {
	number := text
	if n := len(text) - 1; n > 0 && text[n] == 'B' {
		number = text[:n]
	}
	q, err := quantity.ParseQuantity(number)
	if err == nil && q.CmpInt64(maxSize) > 0 {
		return 0, fmt.Errorf("it must be at most %s bytes", strconv.FormatInt(maxSize, 10))
	}
	if err != nil || q.Sign() < 0 || q.CmpInt64(q.Value()) != 0 {
		return 0, fmt.Errorf("it must be an amount of bytes such as 512Mi or 2G, 0 for no limit")
	}
	return q.Value(), nil
}

// maxSize is an exabyte: more than any disk, and far from where sums overflow.
const maxSize = 1e18
