package v1alpha1

// Duration is a Go duration string such as 90s, 10m or 1h30m.
// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`
type Duration string

// Timeouts bound a phase.
type Timeouts struct {
	// Wall clock of one attempt of a phase. Default: AGENT_WORK_ORDER_TIMEOUT, then 1h.
	// +optional
	Phase Duration `json:"phase,omitempty"`
	// How long an agent may be silent. Default: 10m.
	// +optional
	Idle Duration `json:"idle,omitempty"`
}
