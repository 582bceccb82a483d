package main

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestParseNames(t *testing.T) {
	tests := map[string]struct {
		args []string
		want []string
		err  string
	}{
		"none":                 {want: []string{}},
		"name":                 {args: []string{"a"}, want: []string{"a"}},
		"type and name":        {args: []string{"wo", "a", "b"}, want: []string{"a", "b"}},
		"type in any case":     {args: []string{"WorkOrder", "a"}, want: []string{"a"}},
		"type alone":           {args: []string{"workorders"}, want: []string{}},
		"type/name":            {args: []string{"wo/a", "workorder.awo.archon.dev/b"}, want: []string{"a", "b"}},
		"mixed":                {args: []string{"a", "wo/b"}, want: []string{"a", "b"}},
		"an order named wo":    {args: []string{"wo/wo"}, want: []string{"wo"}},
		"twice":                {args: []string{"a", "wo/a"}, want: []string{"a"}},
		"type and type/name":   {args: []string{"wo", "wo/a"}, err: "no need to specify a resource type"},
		"another type":         {args: []string{"pod/a"}, err: `there is no resource type "pod"`},
		"type without a name/": {args: []string{"wo/"}, err: "must have a name"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			got, err := parseNames(test.args)
			if test.err != "" {
				g.Expect(err).To(MatchError(ContainSubstring(test.err)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got).To(Equal(test.want))
		})
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m", 90 * time.Second: "1m30s",
		time.Second: "1s", 100 * time.Second: "1m40s", time.Hour + time.Second: "1h0m1s", 20 * time.Hour: "20h",
		500 * time.Millisecond: "500ms",
	} {
		t.Run(want, func(t *testing.T) {
			g := NewWithT(t)
			got := durationText(d)
			g.Expect(string(got)).To(Equal(want))
			g.Expect(got.Value(0)).To(Equal(d))
		})
	}
}
