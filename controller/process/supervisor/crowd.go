package supervisor

import (
	"os"
	"strconv"
	"time"

	"github.com/agent-work-orders/awo/controller/process/descriptor"
)

// countInterval is how often the machine's processes are counted. A fork bomb makes a few thousand a second.
const countInterval = 200 * time.Millisecond

// count sees to it that the agent's tree does not have more processes than it may. The kernel does that for all users
// but root. The tree is listed only when the machine has that many more than at first, which is one number to read.
func (w *watch) count(limit int) {
	if limit <= 0 {
		return
	}
	first := tasks()
	ticker := time.NewTicker(countInterval)
	defer ticker.Stop()
	for {
		select {
		case <-w.gone.C:
			return
		case <-ticker.C:
		}
		if tasks()-first > limit && len(descendants()) > limit {
			_, _ = descriptor.FD(2).Write([]byte("\nThe agent was ended: it had more than " + strconv.Itoa(limit) + " processes.\n"))
			w.crowded.happen()
			return
		}
	}
}

// tasks counts the processes and threads of the machine, 0 where that is not told.
func tasks() int {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	// 0.00 0.01 0.05 2/1234 5678: the fourth field is running/all.
	fields := descriptor.Split(text, ' ')
	if len(fields) < 4 {
		return 0
	}
	numbers := descriptor.Split([]byte(fields[3]+"/"), '/')
	if len(numbers) < 2 {
		return 0
	}
	all, _ := strconv.Atoi(numbers[1])
	return all
}
