package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/spf13/pflag"
)

// lookupIn looks variables up in a map.
func lookupIn(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}

// level is a flag of a type of its own.
type level string

func (l *level) String() string { return string(*l) }
func (l *level) Type() string   { return "level" }
func (l *level) Set(value string) error {
	if value != "info" && value != "debug" {
		return errNoLevel
	}
	*l = level(value)
	return nil
}

type constError string

func (e constError) Error() string { return string(e) }

const errNoLevel constError = "use info or debug"

type testFlags struct {
	set        *pflag.FlagSet
	concurrent int
	timeout    time.Duration
	verbose    bool
	model      string
	level      level
	hosts      []string
}

func newTestFlags() *testFlags {
	f := &testFlags{set: pflag.NewFlagSet("test", pflag.ContinueOnError), level: "info"}
	f.set.IntVar(&f.concurrent, "max-concurrent", 4, "")
	f.timeout = time.Hour
	f.set.Var(period{&f.timeout}, "phase-timeout", "")
	f.set.BoolVar(&f.verbose, "verbose", true, "")
	f.set.StringVar(&f.model, "model", "sonnet", "")
	f.set.Var(&f.level, "log-level", "")
	f.set.StringSliceVar(&f.hosts, "git-hosts", []string{"github.com"}, "")
	return f
}

func TestBindEnvironment(t *testing.T) {
	aliases := map[string][]string{
		"phase-timeout": {"AGENT_WORK_ORDER_TIMEOUT"},
		"model":         {"CLAUDE_CLI_MODEL", "OLD_MODEL"},
		"log-level":     {"LOG_LEVEL"},
	}
	tests := map[string]struct {
		args      []string
		variables map[string]string
		want      func(g Gomega, f *testFlags)
		err       string
	}{
		"nothing set": {want: func(g Gomega, f *testFlags) {
			g.Expect(f.concurrent).To(Equal(4))
			g.Expect(f.set.Changed("max-concurrent")).To(BeFalse())
		}},
		"every type": {
			variables: map[string]string{
				"AWO_MAX_CONCURRENT": "7", "AWO_PHASE_TIMEOUT": "90s", "AWO_VERBOSE": "false", "AWO_MODEL": "opus",
				"AWO_LOG_LEVEL": "debug", "AWO_GIT_HOSTS": "a.example,b.example:8443",
			},
			want: func(g Gomega, f *testFlags) {
				g.Expect(f.concurrent).To(Equal(7))
				g.Expect(f.timeout).To(Equal(90 * time.Second))
				g.Expect(f.verbose).To(BeFalse())
				g.Expect(f.model).To(Equal("opus"))
				g.Expect(f.level).To(BeEquivalentTo("debug"))
				g.Expect(f.hosts).To(Equal([]string{"a.example", "b.example:8443"}))
				g.Expect(f.set.Changed("model")).To(BeTrue())
			},
		},
		"an empty variable is an unset one": {
			variables: map[string]string{"AWO_MAX_CONCURRENT": "", "AWO_MODEL": "", "CLAUDE_CLI_MODEL": "haiku"},
			want: func(g Gomega, f *testFlags) {
				g.Expect(f.concurrent).To(Equal(4))
				g.Expect(f.model).To(Equal("haiku"))
			},
		},
		"the flag wins": {
			args: []string{"--model=flag"}, variables: map[string]string{"AWO_MODEL": "variable"},
			want: func(g Gomega, f *testFlags) { g.Expect(f.model).To(Equal("flag")) },
		},
		"our name wins over the inherited one, the first inherited over the second": {
			variables: map[string]string{"AWO_LOG_LEVEL": "debug", "LOG_LEVEL": "info", "CLAUDE_CLI_MODEL": "first", "OLD_MODEL": "second"},
			want: func(g Gomega, f *testFlags) {
				g.Expect(f.level).To(BeEquivalentTo("debug"))
				g.Expect(f.model).To(Equal("first"))
			},
		},
		"an inherited duration in seconds": {
			variables: map[string]string{"AGENT_WORK_ORDER_TIMEOUT": "120"},
			want:      func(g Gomega, f *testFlags) { g.Expect(f.timeout).To(Equal(2 * time.Minute)) },
		},
		"our own duration needs a unit": {
			variables: map[string]string{"AWO_PHASE_TIMEOUT": "120"},
			err:       `AWO_PHASE_TIMEOUT: "120": it must be a duration of more than nothing, such as 90s or 10m`,
		},
		"bad inherited duration": {
			variables: map[string]string{"AGENT_WORK_ORDER_TIMEOUT": "soon"},
			err:       `AGENT_WORK_ORDER_TIMEOUT: "soon": it must be a duration of more than nothing, such as 90s or 10m; a plain number is in seconds`,
		},
		"bad number": {
			variables: map[string]string{"AWO_MAX_CONCURRENT": "x"}, err: `AWO_MAX_CONCURRENT: "x" is not a whole number`,
		},
		"bad boolean": {
			variables: map[string]string{"AWO_VERBOSE": "perhaps"}, err: `AWO_VERBOSE: "perhaps" is not true or false`,
		},
		"bad value of a type of its own": {
			variables: map[string]string{"LOG_LEVEL": "loud"}, err: `LOG_LEVEL: "loud": use info or debug`,
		},
		"all bad values at once": {
			variables: map[string]string{"AWO_VERBOSE": "perhaps", "AWO_MAX_CONCURRENT": "x"},
			err:       "AWO_MAX_CONCURRENT: \"x\" is not a whole number\nAWO_VERBOSE: \"perhaps\" is not true or false",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			f := newTestFlags()
			g.Expect(f.set.Parse(test.args)).To(Succeed())
			err := bindEnvironment(f.set, lookupIn(test.variables), aliases)
			if test.err != "" {
				g.Expect(err).To(MatchError(test.err))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			test.want(g, f)
		})
	}
}

func TestSecretFromEnvironment(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	empty := filepath.Join(dir, "empty")
	lines := filepath.Join(dir, "lines")
	NewWithT(t).Expect(os.WriteFile(lines, []byte("one\ntwo\n"), 0o600)).To(Succeed())
	missing := filepath.Join(dir, "missing")
	NewWithT(t).Expect(os.WriteFile(file, []byte("from-file\n"), 0o600)).To(Succeed())
	NewWithT(t).Expect(os.WriteFile(empty, []byte("\n"), 0o600)).To(Succeed())
	tests := map[string]struct {
		variables map[string]string
		want      string
		err       string
	}{
		"none":                      {},
		"empty is unset":            {variables: map[string]string{"A": "", "A_FILE": "", "B": "b"}, want: "b"},
		"value":                     {variables: map[string]string{"A": "a", "B": "b"}, want: "a"},
		"file, without its newline": {variables: map[string]string{"A_FILE": file}, want: "from-file"},
		"file of the first before the value of the second": {variables: map[string]string{"A_FILE": file, "B": "b"}, want: "from-file"},
		"second":     {variables: map[string]string{"B": "b"}, want: "b"},
		"both":       {variables: map[string]string{"A": "a", "A_FILE": file}, err: "A and A_FILE are both set: unset one of them"},
		"empty file": {variables: map[string]string{"A_FILE": empty}, err: "A_FILE: " + empty + " is empty; write the secret into it or unset A_FILE"},
		"two lines":  {variables: map[string]string{"A_FILE": lines}, err: "A_FILE: " + lines + " has more than one line; it must hold the secret alone"},
		"directory": {variables: map[string]string{"A_FILE": dir}, err: "A_FILE: read " + dir + ": is a directory; " +
			"Docker makes a directory where the file to mount is missing: remove it, make the file on the host and start anew"},
		"missing file": {variables: map[string]string{"A_FILE": missing}, err: "A_FILE: open " + missing + ": no such file or directory; mount the secret there, or unset A_FILE"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			secret, err := secretFromEnvironment(lookupIn(test.variables), "A", "B")
			g.Expect(secret).To(Equal(test.want))
			if test.err == "" {
				g.Expect(err).NotTo(HaveOccurred())
				return
			}
			g.Expect(err).To(MatchError(test.err))
		})
	}
}
