package main

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]struct {
		value int64
		shown string
		wrong string
	}{
		"0":        {0, "0", ""},
		"1000":     {1000, "1k", ""},
		"512Mi":    {512 << 20, "512Mi", ""},
		"1GiB":     {1 << 30, "1Gi", ""},
		"2G":       {2e9, "1953125Ki", ""},
		"1.5Gi":    {3 << 29, "1536Mi", ""},
		"auto":     {-1, "auto", ""},
		"-1":       {0, "", "an amount of bytes"},
		"10m":      {0, "", "an amount of bytes"},
		"much":     {0, "", "an amount of bytes"},
		"B":        {0, "", "an amount of bytes"},
		"1000000P": {0, "", "at most"},
	} {
		t.Run(text, func(t *testing.T) {
			g := NewWithT(t)
			var got int64
			s := size{&got, -1}
			err := s.Set(text)
			if want.wrong != "" {
				g.Expect(err).To(MatchError(ContainSubstring(want.wrong)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(want.value))
			g.Expect(s.String()).To(Equal(want.shown))
		})
	}
	var limit int64
	g := NewWithT(t)
	g.Expect(size{target: &limit}.Set("auto")).NotTo(Succeed(), "not every size has a word for itself")
}
