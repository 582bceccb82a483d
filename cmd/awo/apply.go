package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
	"github.com/agent-work-orders/awo/controller/workorder"
)

// Outcomes of apply and create, as kubectl has them.
const (
	outcomeCreated    = "created"
	outcomeConfigured = "configured"
	outcomeUnchanged  = "unchanged"
)

// applyOptions are the flags of `awo apply`.
type applyOptions struct {
	*globalOptions
	sourceOptions
	dryRun string
	output string

	printed *outcomes
}

func newApplyCommand(global *globalOptions) *cobra.Command {
	o := &applyOptions{globalOptions: global}
	cmd := &cobra.Command{
		Use:   "apply -f FILE|DIR|-",
		Short: "Create orders from manifests, or change those there are",
		Long: "Check manifests strictly and put them into workorders/, byte for byte as they are. An order that exists is\n" +
			"changed where it stands: the other documents of its file and its status stay. Status and metadata that\n" +
			"only the controller gives are ignored. If anything is wrong with any of the files, nothing is applied.",
		Example: "  awo apply -f order.yaml\n  awo apply -f orders -R\n  awo get add-readme -o yaml | awo apply -f -",
		Args:    noArguments("; name manifests by -f"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(o.files) == 0 {
				return usageError(cmd.CommandPath(), "must specify -f")
			}
			return o.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	o.addSourceFlags(flags, "apply")
	addChangeFlags(cmd, &o.dryRun, &o.output)
	return cmd
}

func (o *applyOptions) run(ctx context.Context) error {
	dryRun, err := parseDryRun(o.dryRun)
	if err != nil {
		return err
	}
	if err := checkChangeOutput(o.output); err != nil {
		return err
	}
	sources, err := o.checkedSources()
	if err != nil {
		return err
	}
	s, err := o.applyStore(ctx, dryRun)
	if err != nil {
		return err
	}
	o.printed = &outcomes{out: o.streams.Out, format: o.output, several: countDocuments(sources) > 1}
	var failures []error
	for i := range sources {
		placer := &placer{store: s, source: &sources[i], dryRun: dryRun}
		for doc := range sources[i].docs {
			if err := o.applyOne(ctx, placer, doc); err != nil {
				failures = append(failures, err)
			}
		}
	}
	return errors.Join(append(failures, o.printed.flush())...)
}

func countDocuments(sources []source) (n int) {
	for i := range sources {
		n += len(sources[i].docs)
	}
	return n
}

// applyStore opens the data directory; a dry run makes none, so it may be nil then.
func (o *applyOptions) applyStore(ctx context.Context, dryRun bool) (*store.Store, error) {
	if !dryRun {
		return o.openOrCreateStore(ctx)
	}
	s, err := o.openStore(ctx)
	if errors.Is(err, errNoDataDir) {
		return nil, nil //nolint:nilnil // a dry run without a data directory has nothing to compare with
	}
	return s, err
}

// checkedSources reads the manifests and refuses them all if one is wrong.
func (o *applyOptions) checkedSources() ([]source, error) {
	policy, err := o.policy()
	if err != nil {
		return nil, err
	}
	sources, err := o.read(o.streams.In)
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		return nil, errors.New("no objects passed to apply")
	}
	var failures []error
	named := map[string]string{}
	for i := range sources {
		if sources[i].data, err = o.prepare(sources[i].data); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", sources[i].label, err))
		}
		for _, line := range checkSource(&sources[i], policy, named) {
			failures = append(failures, errors.New(line))
		}
		for _, doc := range sources[i].docs {
			if doc.Object != nil {
				failures = append(failures, o.checkNamespace(doc.Object))
			}
		}
	}
	return sources, errors.Join(failures...)
}

// prepare puts orders that name no namespace into the one that -n names, and ends the last line.
func (o *applyOptions) prepare(data []byte) ([]byte, error) {
	data = ended(data)
	if o.namespace == "" || o.namespace == v1alpha1.DefaultNamespace {
		return data, nil
	}
	docs, _ := manifest.Parse(data)
	for _, doc := range docs {
		if doc.Object == nil || doc.Object.Namespace != "" {
			continue
		}
		changed, err := manifest.SetField(data, doc.Index, []string{"metadata", "namespace"}, o.namespace)
		if err != nil {
			return data, fmt.Errorf("put %s into the namespace %s: %w", doc.Name, o.namespace, err)
		}
		data = changed
	}
	return data, nil
}

// checkNamespace refuses an order of another namespace than the one that -n names.
func (o *applyOptions) checkNamespace(object *v1alpha1.WorkOrder) error {
	namespace := object.NamespaceOrDefault()
	if o.namespace == "" || o.namespace == namespace {
		return nil
	}
	return fmt.Errorf("%s: the namespace from the provided object %q does not match the namespace %q. You must pass '--namespace=%s' to perform this operation",
		object.Name, namespace, o.namespace, namespace)
}

func (o *applyOptions) applyOne(ctx context.Context, p *placer, doc int) error {
	name := p.source.docs[doc].Name
	outcome, err := p.place(ctx, doc)
	if err != nil {
		return o.explained(fmt.Errorf("apply %s from %s: %w", name, p.source.label, err))
	}
	if outcome != outcomeCreated {
		o.warnOfRefusal(p, doc)
	}
	if p.dryRun {
		return o.printed.add(shownInput(p.source.docs[doc].Object), outcome+dryRunSuffix)
	}
	return o.printApplied(ctx, p, doc, outcome)
}

// warnOfRefusal tells of a change that the run under way does not take.
func (o *applyOptions) warnOfRefusal(p *placer, doc int) {
	object := p.source.docs[doc].Object
	rec, err := p.store.Current(object.Name)
	if err != nil || rec == nil {
		// What is wrong with the record is told by those who read it.
		return
	}
	if refusal := workorder.Refusal(rec, &object.Spec); refusal != "" {
		_, _ = fmt.Fprintf(o.streams.ErrOut, "Warning: %s: %s\n", qualified(object.Name), refusal)
	}
}

// printApplied prints the order as it is now, where -o asks for it.
func (o *applyOptions) printApplied(ctx context.Context, p *placer, doc int, outcome string) error {
	object := shownInput(p.source.docs[doc].Object)
	if o.output == outputJSON || o.output == outputYAML {
		if err := p.store.Scan(ctx); err != nil {
			return err
		}
		if found, err := loadOrder(p.store, object.Name, ""); err == nil {
			object = found.object
		}
	}
	return o.printed.add(object, outcome)
}

// shownInput is what would be applied, for -o.
func shownInput(object *v1alpha1.WorkOrder) *v1alpha1.WorkOrder {
	shown := object.DeepCopy()
	shown.Status = nil
	shown.UID, shown.ResourceVersion, shown.Generation = "", "", 0
	shown.CreationTimestamp = metav1.Time{}
	shown.ManagedFields = nil
	return shown
}
