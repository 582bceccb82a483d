package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/agent-work-orders/awo/controller/process"
)

// verdict is how bad a finding is.
type verdict string

const (
	verdictOK   verdict = "OK"
	verdictWarn verdict = "WARN"
	verdictFail verdict = "FAIL"
)

// finding is the result of one check.
type finding struct {
	check   string
	verdict verdict
	detail  string
	// advice says what to do; empty when there is nothing to do.
	advice string
}

// doctor looks at all that orders need.
type doctor struct {
	*globalOptions
	environ []string
	// version runs a program with --version and returns the first line of what it prints.
	version func(ctx context.Context, path string) (string, error)
	// roots are the certificates that claude trusts; nil for the system's.
	roots *x509.CertPool
}

func newDoctorCommand(global *globalOptions) *cobra.Command {
	var noHeaders, login bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check that everything orders need is there",
		Long: "Check the data directory, the controller, programs and credentials, and say what to do.\nThe exit code is 1 if a check fails; a warning is no failure. Secrets are named, never shown.\n" +
			"It looks with the environment that it is started in: the controller's if it runs where the controller does,\nas by `docker compose exec`.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			spawner, err := process.NewSpawner()
			if err != nil {
				return fmt.Errorf("prepare for running programs: %w", err)
			}
			defer spawner.Close()
			environ := process.Environment(os.Environ(), process.ToolAllow...)
			d := &doctor{globalOptions: global, environ: environ, version: versionBy(spawner, environ)}
			findings := d.examine(cmd.Context())
			extra, forget := d.trustExtra()
			defer forget()
			findings = append(findings, extra...)
			if login {
				findings = append(findings, d.checkLogin(cmd.Context(), spawner)...)
			}
			return d.print(findings, noHeaders)
		},
	}
	cmd.Flags().BoolVar(&noHeaders, "no-headers", false, "Leave out the headers of the table")
	cmd.Flags().BoolVar(&login, "login", false, "Also call GitHub and Anthropic with the credentials, which costs nothing, and fail if one is refused")
	return cmd
}

// examine makes all checks.
func (d *doctor) examine(ctx context.Context) []finding {
	findings := append(d.checkSettings(), d.checkDataDir(ctx)...)
	findings = append(findings, d.checkPrograms(ctx)...)
	findings = append(findings, d.checkSandbox())
	return append(findings, d.checkCredentials()...)
}

// print shows the findings; a failed check fails the command.
func (d *doctor) print(findings []finding, noHeaders bool) error {
	table := &metav1.Table{ColumnDefinitions: []metav1.TableColumnDefinition{
		{Name: "Check", Type: "string"}, {Name: "Result", Type: "string"}, {Name: "Detail", Type: "string"},
	}}
	failed := false
	for _, each := range findings {
		detail := each.detail
		if each.advice != "" {
			detail += "; " + each.advice
		}
		table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{each.check, string(each.verdict), detail}})
		failed = failed || each.verdict == verdictFail
	}
	if err := printers.NewTablePrinter(printers.PrintOptions{NoHeaders: noHeaders}).PrintObj(table, d.streams.Out); err != nil {
		return fmt.Errorf("print the findings: %w", err)
	}
	if failed {
		return errReported
	}
	return nil
}
