package agent

import (
	"testing"
	"time"
)

func TestResetTime(t *testing.T) {
	now := time.Date(2026, time.November, 23, 14, 30, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"You've hit your session limit - resets 4pm (Europe/Berlin)": "2026-11-23T15:01:00Z",
		"You've hit your 5-hour limit · resets 6:17pm (UTC)":         "2026-11-23T18:18:00Z",
		"limit reached, resets at 16:00":                             "2026-11-23T16:01:00Z",
		"resets 12am (UTC)":                                          "2026-11-24T00:01:00Z",
		"resets 2pm (UTC)":                                           "2026-11-24T14:01:00Z",
		"resets 3:30AM (America/New_York)":                           "2026-11-24T08:31:00Z",
		"weekly limit · resets Nov 24, 9am (UTC)":                    "2026-11-24T09:01:00Z",
		"weekly limit · resets Dec 1 at 9am (UTC)":                   "2026-11-24T14:30:00Z", // no longer than a day
		"weekly limit · resets January 2, 9am (UTC)":                 "2026-11-24T14:30:00Z",
		"resets Nov 22, 9am (UTC)":                                   "", // has passed
		"Claude AI usage limit reached|1795451400":                   "2026-11-23T16:31:00Z",
		"Claude AI usage limit reached|1000000000":                   "",
		"resets 4pm (Nowhere/Land)":                                  "",
		"resets 13pm (UTC)":                                          "",
		"resets 4:75pm (UTC)":                                        "",
		"resets 4":                                                   "",
		"resets Foo 3, 4pm":                                          "",
		"This request would exceed your rate limit":                  "",
		"presets 4pm (UTC)":                                          "",
		"":                                                           "",
	} {
		at, known := resetTime(nil, text, now)
		got := ""
		if known {
			got = at.UTC().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestResetTimePrefersTheEvent(t *testing.T) {
	now := time.Date(2026, time.November, 23, 14, 30, 0, 0, time.UTC)
	limit := &RateLimit{Status: "rejected", ResetsAt: now.Add(10 * time.Minute).Unix()}
	at, known := resetTime(limit, "resets 4pm (UTC)", now)
	if !known || !at.Equal(now.Add(11*time.Minute)) {
		t.Errorf("got %s, %t", at, known)
	}
}
