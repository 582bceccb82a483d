package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// nasty is what a name of a file can hold: a bell, a control sequence of one byte, DEL, a turn of the writing.
const nasty = "a\a\u009b31mb\x7f\x1bc\u202egpj\ufeff é"

func nastyOrder() *v1alpha1.WorkOrder {
	o := &v1alpha1.WorkOrder{}
	o.APIVersion, o.Kind, o.Name = v1alpha1.GroupVersion.String(), v1alpha1.Kind, "demo"
	o.Spec.Request = nasty + "\nsecond line\n"
	o.Status = &v1alpha1.WorkOrderStatus{Message: nasty}
	return o
}

// TestPrintersTakeWhatRecordsHold: one order's message must not keep the others from being printed, and is not changed.
func TestPrintersTakeWhatRecordsHold(t *testing.T) {
	for format, read := range map[string]func([]byte, any) error{
		outputJSON: json.Unmarshal,
		outputYAML: func(data []byte, into any) error { return yaml.UnmarshalStrict(data, into) },
	} {
		t.Run(format, func(t *testing.T) {
			g := NewWithT(t)
			var out bytes.Buffer
			g.Expect(objectPrinter(format).PrintObj(nastyOrder(), &out)).To(Succeed())
			g.Expect(out.String()).NotTo(ContainAny("\a", "\u009b", "\x7f", "\x1b"))
			back := &v1alpha1.WorkOrder{}
			g.Expect(read(out.Bytes(), back)).To(Succeed())
			g.Expect(back).To(Equal(nastyOrder()))

			out.Reset()
			g.Expect(objectPrinter(format).PrintObj(asList([]runtime.Object{nastyOrder(), nastyOrder()}), &out)).To(Succeed())
			g.Expect(out.String()).NotTo(ContainAny("\a", "\u009b", "\x7f", "\x1b"))
		})
	}
	g := NewWithT(t)
	printer := objectPrinter(outputYAML)
	var out bytes.Buffer
	for range 2 {
		g.Expect(printer.PrintObj(nastyOrder(), &out)).To(Succeed())
	}
	g.Expect(out.String()).To(ContainSubstring("\n---\napiVersion"))
}

// ContainAny matches a text that holds one of others.
func ContainAny(texts ...string) OmegaMatcher {
	matchers := make([]OmegaMatcher, 0, len(texts))
	for _, text := range texts {
		matchers = append(matchers, ContainSubstring(text))
	}
	return Or(matchers...)
}

func TestTextForPeopleShowsEverything(t *testing.T) {
	g := NewWithT(t)
	raw := ContainAny("\a", "\u009b", "\x7f", "\x1b", "\u202e", "\ufeff")
	problem := store.FileProblem{Path: nasty, Problem: manifest.Problem{Line: 1, Message: nasty}}
	g.Expect(problemLine(problem)).To(And(Not(raw), ContainSubstring(`a\x07\x9b31mb\x7f\x1bc\u202egpj\ufeff é`)))
	g.Expect(fmt.Sprint(problemRow(problem).Cells...)).NotTo(raw)
	d := newDescription(nastyOrder().CreationTimestamp.Time)
	d.metadata(order{name: nasty, object: nastyOrder(), observation: store.Observation{Object: nastyOrder(), Path: nasty}})
	d.spec(&nastyOrder().Spec)
	d.status(nastyOrder().Status)
	g.Expect(d.text()).To(And(Not(raw), ContainSubstring("second line"), ContainSubstring("é")))
}
