package agent

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	// The reset time names a time zone; a bare machine has no time zone files.
	_ "time/tzdata"
)

const (
	// maxWait is the longest wait for the end of a usage limit; then one attempt finds out.
	maxWait = 24 * time.Hour
	// afterReset is waited beyond the stated time, for clocks that differ.
	afterReset = time.Minute
)

var (
	// resetsText finds "resets 4pm (Europe/Berlin)", "resets Oct 9, 4:30pm (UTC)", "resets at 16:00".
	resetsText = regexp.MustCompile(
		`(?i)\bresets?(?: at| on)? +(?:([a-z]{3,9}) (\d{1,2})(?:,? +at|,)? +)?(\d{1,2})(?::(\d{2}))? ?(am|pm)?(?: *\(([\w+/-]+)\))?`)
	// resetsEpoch finds "limit reached|1760000000".
	resetsEpoch = regexp.MustCompile(`\|(\d{10})\b`)
)

// resetTime returns when a usage limit ends: by the event where there is one, else by the text. A time that has
// passed is none.
func resetTime(limit *RateLimit, text string, now time.Time) (time.Time, bool) {
	var at time.Time
	switch {
	case limit != nil && limit.Status == "rejected" && limit.ResetsAt > 0:
		at = time.Unix(limit.ResetsAt, 0)
	case resetsEpoch.MatchString(text):
		seconds, err := strconv.ParseInt(resetsEpoch.FindStringSubmatch(text)[1], 10, 64)
		if err != nil {
			return time.Time{}, false
		}
		at = time.Unix(seconds, 0)
	default:
		var known bool
		if at, known = resetInText(text, now); !known {
			return time.Time{}, false
		}
	}
	if !at.After(now) {
		return time.Time{}, false
	}
	at = at.Add(afterReset)
	if latest := now.Add(maxWait); at.After(latest) {
		at = latest
	}
	return at, true
}

// resetInText reads a time of day in a time zone, UTC when none is named, and the next such time after now.
func resetInText(text string, now time.Time) (time.Time, bool) {
	m := resetsText.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	zone, err := time.LoadLocation(m[6])
	if err != nil {
		return time.Time{}, false
	}
	hour, minute, known := clockTime(m[3], m[4], m[5])
	if !known {
		return time.Time{}, false
	}
	today := now.In(zone)
	if m[1] == "" {
		at := time.Date(today.Year(), today.Month(), today.Day(), hour, minute, 0, 0, zone)
		if !at.After(now) {
			at = time.Date(today.Year(), today.Month(), today.Day()+1, hour, minute, 0, 0, zone)
		}
		return at, true
	}
	month, err := time.Parse("Jan", strings.ToUpper(m[1][:1])+strings.ToLower(m[1][1:3]))
	if err != nil {
		return time.Time{}, false
	}
	day, err := strconv.Atoi(m[2])
	if err != nil {
		return time.Time{}, false
	}
	at := time.Date(today.Year(), month.Month(), day, hour, minute, 0, 0, zone)
	if at.Before(now.AddDate(0, -6, 0)) {
		// In December, a day of January is one of the next year.
		at = at.AddDate(1, 0, 0)
	}
	return at, true
}

// clockTime reads the hour and minute of a time with or without am and pm.
func clockTime(hours, minutes, half string) (hour, minute int, known bool) {
	hour, err := strconv.Atoi(hours)
	if err != nil {
		return 0, 0, false
	}
	if minutes != "" {
		if minute, err = strconv.Atoi(minutes); err != nil || minute > 59 {
			return 0, 0, false
		}
	}
	if half == "" {
		// "resets 4" names no time of day, "resets 16:00" does.
		return hour, minute, minutes != "" && hour < 24
	}
	if hour < 1 || hour > 12 {
		return 0, 0, false
	}
	hour %= 12
	if strings.EqualFold(half, "pm") {
		hour += 12
	}
	return hour, minute, true
}
