package store

import (
	"time"

	"golang.org/x/sys/unix"
)

// stamp tells one state of a file from another without reading it. Times are nanoseconds since 1970.
type stamp struct {
	Dev, Ino     uint64
	Size         int64
	Mtime, Ctime int64
}

func stampOf(st *unix.Stat_t) stamp {
	return stamp{
		Dev: st.Dev, Ino: st.Ino, Size: st.Size,
		Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(),
	}
}

// statStamp follows symlinks.
func statStamp(path string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return stamp{}, err
	}
	return stampOf(&st), nil
}

// quietFor tells for how long a file has been as it is: by the file system's word, whose ctime nobody can set
// back, or by our own, for file systems whose clock is not ours. The longer one holds.
func (s stamp) quietFor(wall, firstSeen, now time.Time) time.Duration {
	return max(wall.Sub(time.Unix(0, s.Ctime)), now.Sub(firstSeen), 0)
}
