package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// createOptions are the flags of `awo create`.
type createOptions struct {
	*globalOptions
	name        string
	repository  string
	base        string
	branch      string
	request     string
	requestFile string
	phases      []string
	agent       string
	model       string
	command     []string
	maxTurns    int32
	maxBudget   string
	draft       bool
	title       string
	labels      []string
	reviewers   []string
	timeout     time.Duration
	idleTimeout time.Duration
	retryLimit  int32
	suspend     bool
	dryRun      string
	output      string
}

func newCreateCommand(global *globalOptions) *cobra.Command {
	o := &createOptions{globalOptions: global}
	cmd := &cobra.Command{
		Use:   "create NAME --repo URL --request TEXT [-- COMMAND [ARG...]]",
		Short: "Create an order from flags",
		Example: "  awo create add-readme --repo https://github.com/acme/app --request 'Add a short README.'\n" +
			"  awo create tidy --repo /srv/app.git --request-file task.md --agent command -- ./agent.sh --fast",
		// Before it is found that flags are missing: who gave nothing wants to know what there is to give.
		Args: func(cmd *cobra.Command, args []string) (err error) {
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				o.command = append(o.command, args[at:]...)
				args = args[:at]
			}
			if len(args) == 0 {
				return usageError(cmd.CommandPath(), "the name of a WorkOrder is required, as in\n  awo create NAME --repo https://github.com/acme/app --request 'Add a short README.'")
			}
			o.name, err = requireName(cmd, args)
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), o.name, cmd.Flags())
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	o.addFlags(cmd)
	return cmd
}

func (o *createOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.repository, "repo", "", "URL of the repository (spec.repository.url)")
	flags.StringVar(&o.base, "base", "", "Branch to start from (default: the remote's HEAD)")
	flags.StringVar(&o.branch, "branch", "", "Branch to push (default: awo/NAME-ID)")
	flags.StringVar(&o.request, "request", "", "What to do")
	flags.StringVar(&o.requestFile, "request-file", "", "File that says what to do; - for standard input")
	flags.StringSliceVar(&o.phases, "phases", nil, "Phases to run (default: Planning,Implementing,PR)")
	flags.StringVar(&o.agent, "agent", "", "Type of the agent: claude or command (default: claude, or command when there is one)")
	flags.StringVar(&o.model, "model", "", "Model of the agent (default: the controller's CLAUDE_CLI_MODEL, else sonnet)")
	flags.StringArrayVar(&o.command, "command", nil, "Program of an agent of type command and its arguments, one word each; also after --")
	flags.Int32Var(&o.maxTurns, "max-turns", 0, "Turns that a phase may take (default: the controller's CLAUDE_CLI_MAX_TURNS, else no limit)")
	flags.StringVar(&o.maxBudget, "max-budget", "", "US dollars that the run may cost (default: no limit)")
	flags.BoolVar(&o.draft, "draft", false, "Open the pull request as a draft")
	flags.StringVar(&o.title, "title", "", "Title of the pull request (default: first line of the request)")
	flags.StringSliceVar(&o.labels, "label", nil, "Label of the pull request; repeatable")
	flags.StringSliceVar(&o.reviewers, "reviewer", nil, "Reviewer of the pull request; repeatable")
	flags.DurationVar(&o.timeout, "timeout", 0, "Wall clock of a phase (default: the controller's AGENT_WORK_ORDER_TIMEOUT, else 1h)")
	flags.DurationVar(&o.idleTimeout, "idle-timeout", 0, "How long the agent may be silent (default: the controller's AWO_IDLE_TIMEOUT, else 10m)")
	flags.Int32Var(&o.retryLimit, "retry-limit", v1alpha1.DefaultRetryLimit, "Retries of a transient failure")
	flags.BoolVar(&o.suspend, "suspend", false, "Create it suspended")
	addChangeFlags(cmd, &o.dryRun, &o.output)
	completeFlag(cmd, "agent", string(v1alpha1.AgentClaude), string(v1alpha1.AgentCommand))
	completeFlag(cmd, "phases", string(v1alpha1.PhasePlanning), string(v1alpha1.PhaseImplementing), string(v1alpha1.PhasePR))
	_ = cmd.MarkFlagRequired("repo")
	cmd.MarkFlagsMutuallyExclusive("request", "request-file")
	cmd.MarkFlagsOneRequired("request", "request-file")
}

func (o *createOptions) run(ctx context.Context, name string, flags *pflag.FlagSet) error {
	dryRun, err := parseDryRun(o.dryRun)
	if err != nil {
		return err
	}
	if err := checkChangeOutput(o.output); err != nil {
		return err
	}
	if err := o.readRequest(); err != nil {
		return err
	}
	object, err := asWritten(o.object(name, flags))
	if err != nil {
		return err
	}
	data, err := o.manifest(object)
	if err != nil {
		return err
	}
	outcome := outcomeCreated + dryRunSuffix
	if !dryRun {
		outcome = outcomeCreated
		err = o.write(ctx, name, data)
	}
	if err != nil {
		return err
	}
	printed := &outcomes{out: o.streams.Out, format: o.output}
	return errors.Join(printed.add(object, outcome), printed.flush())
}

// readRequest takes the request from the file that was named.
func (o *createOptions) readRequest() (err error) {
	var data []byte
	switch o.requestFile {
	case "":
		return nil
	case "-":
		data, err = io.ReadAll(o.streams.In)
	default:
		data, err = os.ReadFile(o.requestFile)
	}
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	o.request = string(data)
	return nil
}

// object is the order that the flags describe. What was not said is left to the defaults.
func (o *createOptions) object(name string, flags *pflag.FlagSet) *v1alpha1.WorkOrder {
	object := &v1alpha1.WorkOrder{}
	object.APIVersion, object.Kind = v1alpha1.GroupVersion.String(), v1alpha1.Kind
	object.Name, object.Namespace = name, o.namespace
	object.Spec = v1alpha1.WorkOrderSpec{
		Repository:  v1alpha1.Repository{URL: o.repository, BaseBranch: o.base, Branch: o.branch},
		Request:     o.request,
		Agent:       o.agentSpec(flags),
		PullRequest: v1alpha1.PullRequestSpec{Draft: o.draft, Title: o.title, Labels: o.labels, Reviewers: o.reviewers},
		Suspend:     o.suspend,
	}
	// What was given is judged, also a zero, which is no limit.
	if flags.Changed("timeout") {
		object.Spec.Timeouts.Phase = durationText(o.timeout)
	}
	if flags.Changed("idle-timeout") {
		object.Spec.Timeouts.Idle = durationText(o.idleTimeout)
	}
	for _, phase := range o.phases {
		object.Spec.Phases = append(object.Spec.Phases, v1alpha1.Phase(phase))
	}
	if flags.Changed("retry-limit") {
		object.Spec.RetryLimit = new(o.retryLimit)
	}
	return object
}

func (o *createOptions) agentSpec(flags *pflag.FlagSet) v1alpha1.Agent {
	agent := v1alpha1.Agent{Type: v1alpha1.AgentType(o.agent), Model: o.model, Command: o.command}
	if o.agent == "" && len(o.command) > 0 {
		agent.Type = v1alpha1.AgentCommand
	}
	if flags.Changed("max-turns") {
		agent.MaxTurns = new(o.maxTurns)
	}
	if o.maxBudget != "" {
		agent.MaxBudgetUSD = new(intstr.FromString(o.maxBudget))
	}
	return agent
}

// durationText writes a duration the short way, 1h for 1h0m0s.
func durationText(d time.Duration) v1alpha1.Duration {
	text := d.String()
	text = strings.TrimSuffix(text, "0s")
	if !strings.HasSuffix(d.String(), "m0s") {
		text = d.String()
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return v1alpha1.Duration(text)
}

// asWritten is the order as a person would write it: without the empty groups of its types.
func asWritten(object *v1alpha1.WorkOrder) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", object.Name, err)
	}
	removeEmpty(content)
	return &unstructured.Unstructured{Object: content}, nil
}

// removeEmpty takes out the groups in which nothing is said.
func removeEmpty(content map[string]any) {
	for key, value := range content {
		group, ok := value.(map[string]any)
		if !ok {
			continue
		}
		if removeEmpty(group); len(group) == 0 {
			delete(content, key)
		}
	}
}

// manifest renders the order and checks it as strictly as a file.
func (o *createOptions) manifest(object *unstructured.Unstructured) ([]byte, error) {
	data, err := yaml.Marshal(object.Object)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", object.GetName(), err)
	}
	policy, err := o.policy()
	if err != nil {
		return nil, err
	}
	made := source{label: object.GetName(), data: data, rendered: true}
	var failures []error
	for _, line := range checkSource(&made, policy, map[string]string{}) {
		failures = append(failures, errors.New(line))
	}
	return data, errors.Join(failures...)
}

// write puts the order into workorders/ unless there is one of its name.
func (o *createOptions) write(ctx context.Context, name string, data []byte) error {
	s, err := o.openOrCreateStore(ctx)
	if err != nil {
		return err
	}
	if _, err := loadOrder(s, name, ""); err == nil || len(problemsOf(s, name)) > 0 {
		return alreadyExists(name)
	}
	_, err = s.CreateManifest(ctx, store.NewManifest{Names: []string{name}, File: name + ".yaml", Data: data})
	if errors.Is(err, store.ErrExists) {
		return alreadyExists(name)
	}
	return o.explained(err)
}
