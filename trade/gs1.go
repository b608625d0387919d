package trade

import "strings"

// ValidGTIN tells whether s is a GS1 trade item number of 8, 12, 13 or 14
// digits with a right check digit.
func ValidGTIN(s string) bool {
	return (len(s) == 8 || len(s) == 12 || len(s) == 13 || len(s) == 14) && checked(s)
}

// GTIN14 is a GS1 trade item number in its form of 14 digits: GTIN-8, -12 and -13 are
// the same numbers without leading zeros (GS1 General Specifications, section 3).
func GTIN14(s string) string {
	if len(s) >= 14 {
		return s
	}
	return strings.Repeat("0", 14-len(s)) + s
}

// ValidGLN tells whether s is a GS1 location number of 13 digits with a right
// check digit.
func ValidGLN(s string) bool { return len(s) == 13 && checked(s) }

// ValidSSCC tells whether s is a GS1 serial shipping container code of 18
// digits with a right check digit.
func ValidSSCC(s string) bool { return len(s) == 18 && checked(s) }

// CheckDigit is the GS1 check digit that completes digits, '0' to '9' (GS1
// General Specifications, section 7.9).
func CheckDigit(digits string) byte {
	sum := 0
	for i := range len(digits) {
		n := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			n *= 3
		}
		sum += n
	}
	return byte('0' + (10-sum%10)%10)
}

func checked(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return CheckDigit(s[:len(s)-1]) == s[len(s)-1]
}
