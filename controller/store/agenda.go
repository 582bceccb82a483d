package store

import (
	"container/heap"
	"time"
)

// agenda says what to do when. A task stands in it once; setting it again moves it.
type agenda struct {
	at    map[string]time.Time
	queue taskQueue
}

type task struct {
	key string
	at  time.Time
}

func newAgenda() *agenda { return &agenda{at: map[string]time.Time{}} }

// set puts a task at a time, whenever it was due before.
func (a *agenda) set(key string, at time.Time) {
	a.at[key] = at
	heap.Push(&a.queue, task{key: key, at: at})
}

// sooner puts a task at a time unless it is due earlier.
func (a *agenda) sooner(key string, at time.Time) {
	if old, ok := a.at[key]; !ok || at.Before(old) {
		a.set(key, at)
	}
}

// next returns when the next task is due.
func (a *agenda) next() (time.Time, bool) {
	for len(a.queue) > 0 {
		first := a.queue[0]
		if at, ok := a.at[first.key]; ok && at.Equal(first.at) {
			return at, true
		}
		heap.Pop(&a.queue) // moved or done since
	}
	return time.Time{}, false
}

// due takes out all tasks that are due.
func (a *agenda) due(now time.Time) (keys []string) {
	for {
		at, ok := a.next()
		if !ok || at.After(now) {
			return keys
		}
		first := a.queue[0]
		heap.Pop(&a.queue)
		delete(a.at, first.key)
		keys = append(keys, first.key)
	}
}

type taskQueue []task

func (q taskQueue) Len() int           { return len(q) }
func (q taskQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q taskQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push is for container/heap.
func (q *taskQueue) Push(x any) {
	if t, ok := x.(task); ok {
		*q = append(*q, t)
	}
}

// Pop is for container/heap.
func (q *taskQueue) Pop() any {
	last := len(*q) - 1
	out := (*q)[last]
	*q = (*q)[:last]
	return out
}
