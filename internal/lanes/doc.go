// Package lanes runs jobs in lanes: the jobs of one lane one after the other, different lanes
// side by side, with a limit on all of them.
package lanes
