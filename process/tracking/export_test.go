package tracking

// ApplySome applies some of the deliveries that are due, as Run does when it is woken.
var ApplySome = (*Intake).applySome
