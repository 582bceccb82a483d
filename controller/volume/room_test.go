package volume

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/agent-work-orders/awo/controller/store"
)

func TestShort(t *testing.T) {
	const gib = 1 << 30
	for name, tt := range map[string]struct {
		space   Space
		reserve int64
		want    string
	}{
		"enough":                      {Space{Free: gib, Size: 100 * gib}, AutoReserve, ""},
		"just enough":                 {Space{Free: 512 << 20, Size: 100 * gib}, AutoReserve, ""},
		"not enough":                  {Space{Free: 512<<20 - 1, Size: 100 * gib}, AutoReserve, "less than 512.0 MiB is free"},
		"small, and enough for it":    {Space{Free: 60 << 20, Size: gib}, AutoReserve, ""},
		"small, not even its share":   {Space{Free: 50 << 20, Size: gib}, AutoReserve, "less than 51.2 MiB is free"},
		"as configured":               {Space{Free: 2 * gib, Size: 3 * gib}, 2 * gib, ""},
		"less than configured":        {Space{Free: 2*gib - 1, Size: 3 * gib}, 2 * gib, "less than 2.0 GiB is free"},
		"out of inodes":               {Space{Free: gib, Size: gib, FreeInodes: 9_999, Inodes: 1 << 20}, AutoReserve, "fewer than 10000 more files fit"},
		"few inodes, a share is free": {Space{Free: gib, Size: gib, FreeInodes: 50, Inodes: 1000}, AutoReserve, ""},
		"few inodes, too few free":    {Space{Free: gib, Size: gib, FreeInodes: 49, Inodes: 1000}, AutoReserve, "fewer than 50 more files fit"},
		"a system without inodes":     {Space{Free: gib, Size: gib}, AutoReserve, ""},
	} {
		t.Run(name, func(t *testing.T) { NewWithT(t).Expect(tt.space.short(tt.reserve)).To(Equal(tt.want)) })
	}
}

func TestRoom(t *testing.T) {
	g := NewWithT(t)
	layout := store.Layout{Root: "/data"}
	clock := clocktesting.NewFakePassiveClock(time.Now())
	asked, free := 0, map[string]uint64{}
	var log bytes.Buffer
	ctx := logr.NewContext(t.Context(), funcr.New(func(_, args string) { log.WriteString(args + "\n") }, funcr.Options{}))
	room := &Room{Layout: layout, Reserve: 100, Clock: clock, SpaceAt: func(path string) (Space, error) {
		asked++
		if at, known := free[path]; known {
			return Space{Free: at, Size: 1000}, nil
		}
		return Space{}, errors.New("not mounted")
	}}
	g.Expect(room.Short(ctx)).To(BeEmpty(), "what cannot be asked is not short")

	free[filepath.Join("/data", "repositories")] = 99
	g.Expect(room.Short(ctx)).To(BeEmpty(), "within a second it is not looked again")
	g.Expect(asked).To(Equal(4))
	for range 3 {
		clock.SetTime(clock.Now().Add(time.Second))
		g.Expect(room.Short(ctx)).To(Equal("less than 100 B is free in the file system of /data/repositories"))
	}
	free[filepath.Join("/data", "repositories")] = 100
	clock.SetTime(clock.Now().Add(time.Second))
	g.Expect(room.Short(ctx)).To(BeEmpty())
	g.Expect(log.String()).To(And(ContainSubstring("orders wait"), ContainSubstring("orders go on")))
	g.Expect(bytes.Count(log.Bytes(), []byte("\n"))).To(Equal(2), "each change is logged once")

	off := &Room{Layout: layout, Clock: clock, SpaceAt: func(string) (Space, error) { return Space{}, nil }}
	g.Expect(off.Short(ctx)).To(BeEmpty(), "0 is no limit")
}

func TestSpaceAt(t *testing.T) {
	g := NewWithT(t)
	space, err := SpaceAt(t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(space.Size).To(BeNumerically(">=", space.Free))
	g.Expect(space.Size).NotTo(BeZero())
	_, err = SpaceAt(filepath.Join(t.TempDir(), "missing"))
	g.Expect(err).To(MatchError(ContainSubstring("missing")))
}
