package process_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/controller/process"
	"github.com/agent-work-orders/awo/controller/process/sandbox"
)

// TestConfinedAttacks tries each attack without the sandbox, where it has to work or the test would show nothing, and
// then inside.
func TestConfinedAttacks(t *testing.T) {
	for name, script := range map[string]string{
		"environment of a process":     `grep -q TOPSECRET /proc/$DECOY/environ`,
		"environment of all processes": `cat /proc/[0-9]*/environ 2>/dev/null | grep -q GITHUB_TOKEN=TOPSECRET`,
		"memory map of a process":      `test -n "$(cat /proc/$DECOY/maps)"`,
		"open file of a process":       `grep -q TOPSECRET /proc/$DECOY/fd/3`,
		"root of a process":            `grep -q TOPSECRET /proc/$DECOY/root$OTHER/secret`,
		"program of a process":         `test -n "$(readlink /proc/$DECOY/exe)"`,
		"tracing a process":            `$SELF attack-ptrace $DECOY`,
		"signal to a process":          `kill -0 $DECOY`,
		"limits of a process":          `prlimit --pid $DECOY --nofile=900:900`,
		"priority of a process":        `renice -n 1 -p $DECOY`,
		"scheduler of a process":       `chrt --idle -p 0 $DECOY`,
		"disk priority of a process":   `ionice -c 3 -p $DECOY`,
		"keyring of the user":          `perl -e '$t="user"; $n="awo:test"; $v="x"; exit(syscall(ADD_KEY, $t, $n, $v, 1, -2) > 0 ? 0 : 1)'`,
		"abstract socket":              `$SELF attack-connect-unix @awo-test-$PPIDMARK`,
		"other workspace, read":        `cat $OTHER/secret`,
		"other workspace, list":        `ls $OTHER`,
		"other workspace, by a link":   `ln -sfn $OTHER link && cat link/secret`,
		"other workspace, hard link":   `ln -f $OTHER/secret hard`,
		"other workspace, write":       `echo x >> $OTHER/secret`,
		"other workspace, truncate":    `truncate -s 3 $OTHER/secret`,
		"other workspace, create":      `echo x > $OTHER/new`,
		"other workspace, by our link": `ln -sfn $OTHER/new2 out && echo x > out`,
		"other workspace, mkdir":       `mkdir $OTHER/dir$$`,
		"other workspace, remove":      `rm $OTHER/removable`,
		"other workspace, move out":    `mv $OTHER/secret stolen && mv stolen $OTHER/secret`,
		"other home":                   `cat $DATA/agent-home/wo-other/.claude.json`,
		"outputs of others":            `cat $DATA/outputs/wo-other/record.json`,
		"own outputs":                  `cat $DATA/outputs/wo-own/record.json`,
		"own record, write":            `echo x >> $DATA/outputs/wo-own/record.json`,
		"manifests, read":              `cat $DATA/workorders/a.yaml`,
		"manifests, write":             `echo x > $DATA/workorders/b.yaml`,
		"server token":                 `cat $DATA/server-token`,
		"data directory, list":         `ls $DATA`,
		"mirror, read":                 `cat $OBJECTS/../config`,
		"mirror, write":                `echo x >> $OBJECTS/../config`,
		"borrowed objects, write":      `echo x >> $OBJECTS/blob`,
		"borrowed objects, create":     `echo x > $OBJECTS/new`,
		"temporary files of others":    `echo x > "$DATA/../shared"`,
		"5 GB file":                    `truncate -s 5G big && rm big`,
		"5 GB file, by writing":        `dd if=/dev/zero of=big2 bs=1M count=1 seek=5000 2>/dev/null && rm big2`,
		"core dump":                    `test "$(ulimit -c)" != 0 || ulimit -c 1`,
		"files for all to write":       `test "$(umask)" = 0000`,
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			s := newScene(t, nil)
			mark := strconv.Itoa(os.Getpid()) + "-" + s.decoy
			listener, err := net.Listen("unix", "@awo-test-"+mark) //nolint:noctx // it is closed below
			g.Expect(err).NotTo(HaveOccurred())
			defer func() { _ = listener.Close() }()
			script = strings.NewReplacer("$PPIDMARK", mark, "ADD_KEY", strconv.Itoa(syscall.SYS_ADD_KEY)).Replace(script)
			s.set(t)
			unlimited := syscall.Umask(0)
			_, stderr, status := s.run(t, "ulimit -c unlimited 2>/dev/null; "+script, false)
			syscall.Umask(unlimited)
			g.Expect(status.Code).To(BeZero(), "the attack works where nothing is confined: %s", stderr)
			s.set(t)
			before := s.snapshot(t)
			stdout, stderr, status := s.run(t, script, true)
			t.Logf("inside: exit %d, %s", status.Code, stderr)
			g.Expect(status.Code).NotTo(BeZero(), "%s%s", stdout, stderr)
			g.Expect(stdout + stderr).NotTo(ContainSubstring(secret))
			g.Expect(s.snapshot(t)).To(Equal(before), "nothing outside has changed")
		})
	}
}

// A data directory that lies in one which may be read is as closed as any.
func TestConfinedAroundTheDataDirectory(t *testing.T) {
	s := newScene(t, func(o *sandbox.Options) { o.Read = append(o.Read, filepath.Dir(o.DataDir)) })
	beside := filepath.Join(filepath.Dir(s.data), "beside")
	NewWithT(t).Expect(os.Mkdir(beside, 0o755)).To(Succeed())
	for name, script := range map[string]string{
		"list":       `ls $DATA`,
		"workorders": `ls $DATA/workorders`,
		"others":     `ls $DATA/repositories`,
		"read":       `cat $OTHER/secret`,
		"around":     `ls $DATA/..`,
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			s.set(t)
			_, stderr, status := s.run(t, script, false)
			g.Expect(status.Code).To(BeZero(), stderr)
			_, stderr, status = s.run(t, script, true)
			g.Expect(status.Code).NotTo(BeZero(), stderr)
			_, stderr, status = s.run(t, "ls "+beside, true)
			g.Expect(status.Code).To(BeZero(), "what lies beside it may be read: %s", stderr)
		})
	}
}

// TestConfinedOrdinaryWork is what agents do all day.
func TestConfinedOrdinaryWork(t *testing.T) {
	for name, script := range map[string]string{
		"git": `git init -q r && cd r && git config user.email a@b.c && git config user.name n && echo x > f && git add f &&
			git commit -qm one && git mv f g && git commit -qam two && git gc -q && git log --oneline | grep -c . | grep -q 2`,
		"temporary files": `f=$(mktemp) && echo x > $f && d=$(mktemp -d) && mv $f $d/ && test -s $d/*`,
		"devices":         `echo x > /dev/null && head -c 4 /dev/urandom | wc -c | grep -q 4 && head -c 3 /dev/zero > z && test -s z`,
		"pipes":           `seq 1000 | grep 7 | sort -n | tail -1 | grep -q 997 && echo x | cat /dev/stdin | cat /proc/self/fd/0`,
		"redirections": `sh -c 'cat <<EOF
here
EOF' 2>&1 >/dev/stdout | grep -q here`,
		"own processes":     `sleep 60 & kill -0 $!; until grep -q sleep /proc/$!/cmdline; do :; done; cat /proc/$!/environ | grep -q HOME && kill $! && ! wait $!`,
		"kernel's tables":   `test -r /proc/self/status && test -r /proc/cpuinfo && test -r /proc/meminfo && nproc | grep -q .`,
		"programs made":     `printf '#!/bin/sh\necho made' > p && chmod +x p && ./p | grep -q made && cp /bin/true t && ./t`,
		"moving":            `mkdir -p a/b && echo x > f1 && mv f1 a/b/ && ln a/b/f1 hard && ln -s a/b/f1 soft && cat soft hard && rm -r a hard soft`,
		"pipes with a name": `mkfifo p1 && (echo x > p1 &) && cat p1 && rm p1`,
		"borrowed objects":  `cat $OBJECTS/blob && ls $OBJECTS`,
		"home":              `cd && mkdir -p .config && echo x > .config/f && cat ~/.config/f`,
		"users and hosts":   `id && getent hosts localhost && getent passwd root`,
		"awk, sed, tar":     `echo b > s && sed -i s/b/c/ s && tar cf s.tar s && tar xf s.tar && awk '{print}' s | grep -q c`,
		"perl":              `perl -MFile::Temp=tempfile -e 'my ($h) = tempfile(); print $h "x"; exit 0'`,
		"own limits":        `prlimit --nofile=100 true && ulimit -n 200 && nice -n 1 true && ionice -c 3 true && chrt --idle 0 true`,
		"nested sandbox":    `command -v unshare >/dev/null && (unshare -r true || true)`,
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, status := newScene(t, nil).run(t, "set -e\n"+script, true)
			NewWithT(t).Expect(status).To(Equal(process.ExitStatus{}), "%s%s", stdout, stderr)
		})
	}
}

// A fork bomb comes to an end: an ordinary user's at the kernel's limit, root's by the supervisor.
func TestConfinedForkBomb(t *testing.T) {
	g := NewWithT(t)
	s := newScene(t, func(o *sandbox.Options) { o.MaxProcesses = 50 })
	_, stderr, status := s.run(t, `n=0; while [ $n -lt 2000 ]; do sleep 60 & n=$((n+1)); done; wait`, true)
	g.Expect(status.Code).NotTo(BeZero())
	g.Expect(stderr).To(Or(MatchRegexp("(?i)cannot fork"), ContainSubstring("it had more than 50 processes")))
}

// TestConfinedPorts tries every way to connect to a port that is closed, and the plain one to one that is open.
func TestConfinedPorts(t *testing.T) {
	if sandbox.LandlockABI() < 4 {
		t.Skip("this version of Landlock knows no ports")
	}
	listen := func() (address string, port int) {
		listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		t.Cleanup(func() { _ = listener.Close() })
		return listener.Addr().String(), int(netip.MustParseAddrPort(listener.Addr().String()).Port())
	}
	closed, _ := listen()
	open, port := listen()
	s := newScene(t, func(o *sandbox.Options) { o.Ports = []int{port} })
	for _, attack := range []string{"attack-connect-tcp", "attack-connect-multipath", "attack-fast-open"} {
		t.Run(attack, func(t *testing.T) {
			g := NewWithT(t)
			_, stderr, status := s.run(t, "$SELF "+attack+" "+closed, false)
			g.Expect(status.Code).To(BeZero(), "it works where nothing is confined: %s", stderr)
			_, stderr, status = s.run(t, "$SELF "+attack+" "+closed, true)
			t.Log(stderr)
			g.Expect(status.Code).NotTo(BeZero())
		})
	}
	_, stderr, status := s.run(t, "$SELF attack-connect-tcp "+open+" && git init -q r && getent hosts localhost", true)
	NewWithT(t).Expect(status).To(Equal(process.ExitStatus{}), stderr)
}
