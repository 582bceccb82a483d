// Package tree reads the table of processes in /proc and signals whole families of them.
//
// It imports only what Go itself begins with, because the supervisor is built on it, which is to take over before
// larger packages are initialised.
package tree

import (
	"errors"
	"os"
	"slices"
	"strconv"
)

// errEntry says that the kernel's process table looks unlike what is documented.
var errEntry = errors.New("the process's entry in /proc cannot be understood")

// Process is one entry of the process table.
type Process struct {
	// PID, Parent, Group and Session are the process's numbers.
	PID, Parent, Group, Session int
	// State is the letter of /proc/PID/stat: R, S, D, T, Z and so on.
	State byte
	// StartTime is field 22 of /proc/PID/stat, in clock ticks since boot. With the PID it names one process
	// for good: numbers are used again, the pair is not.
	StartTime uint64
}

// Ended says that the process runs no more and only waits for its parent to take notice.
func (p Process) Ended() bool { return p.State == 'Z' || p.State == 'X' || p.State == 'x' }

// Key names the process beyond the reuse of its number.
func (p Process) Key() Key { return Key{PID: p.PID, StartTime: p.StartTime} }

// Key is what stays the same for the life of a process.
type Key struct {
	PID       int
	StartTime uint64
}

// Read returns the entry of one process. The error wraps fs.ErrNotExist when there is none.
func Read(pid int) (Process, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Process{}, err
	}
	return parse(data)
}

// parse takes the fields of a stat line apart. The second one, the program's name in brackets, may hold
// spaces and brackets itself, so the fields are counted from the last bracket.
func parse(stat []byte) (Process, error) {
	open, end := index(stat, '('), lastIndex(stat, ')')
	if open < 1 || end < open {
		return Process{}, errEntry
	}
	// Places of the fields after the name.
	const state, parent, group, session, startTime = 0, 1, 2, 3, 19
	fields := words(stat[end+1:])
	if len(fields) <= startTime {
		return Process{}, errEntry
	}
	p := Process{State: fields[state][0]}
	var errs [5]error
	p.PID, errs[0] = strconv.Atoi(string(stat[:open-1]))
	p.Parent, errs[1] = strconv.Atoi(fields[parent])
	p.Group, errs[2] = strconv.Atoi(fields[group])
	p.Session, errs[3] = strconv.Atoi(fields[session])
	p.StartTime, errs[4] = strconv.ParseUint(fields[startTime], 10, 64)
	if errors.Join(errs[:]...) != nil {
		return Process{}, errEntry
	}
	return p, nil
}

// index, lastIndex and words stand here because packages bytes and strings are initialised later than
// the supervisor is to run.
func index(text []byte, b byte) int {
	for i, c := range text {
		if c == b {
			return i
		}
	}
	return -1
}

func lastIndex(text []byte, b byte) int {
	for i, c := range slices.Backward(text) {
		if c == b {
			return i
		}
	}
	return -1
}

func words(text []byte) []string {
	var all []string
	begin := -1
	for i, c := range text {
		space := c == ' ' || c == '\n'
		switch {
		case !space && begin < 0:
			begin = i
		case space && begin >= 0:
			all = append(all, string(text[begin:i]))
			begin = -1
		}
	}
	if begin >= 0 {
		all = append(all, string(text[begin:]))
	}
	return all
}

// List returns every process that can be seen. One that ends while the list is made is left out.
func List() ([]Process, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	all := make([]Process, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, err := Read(pid); err == nil {
			all = append(all, p)
		}
	}
	return all, nil
}

// Descendants returns what descends from the given processes, without them, in no particular order.
func Descendants(all []Process, of ...int) []Process {
	children := make(map[int][]Process, len(all))
	for _, p := range all {
		children[p.Parent] = append(children[p.Parent], p)
	}
	known := make(map[int]bool, len(of))
	for _, pid := range of {
		known[pid] = true
	}
	var found []Process
	for queue := of; len(queue) > 0; queue = queue[1:] {
		for _, p := range children[queue[0]] {
			if !known[p.PID] {
				known[p.PID] = true
				found = append(found, p)
				queue = append(queue, p.PID)
			}
		}
	}
	return found
}

// Ancestors returns the number of a process and of all above it.
func Ancestors(all []Process, of int) map[int]bool {
	parent := make(map[int]int, len(all))
	for _, p := range all {
		parent[p.PID] = p.Parent
	}
	line := map[int]bool{}
	for pid := of; pid > 0 && !line[pid]; pid = parent[pid] {
		line[pid] = true
	}
	return line
}

// Running returns those that have not ended.
func Running(all []Process) []Process {
	var running []Process
	for _, p := range all {
		if !p.Ended() {
			running = append(running, p)
		}
	}
	return running
}
