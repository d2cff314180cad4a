/**
 * Runs in which a promise was broken once. A seed draws another run when the workload changes, so that each has a test
 * of its own beside the code as well; here they stay because they were worth it once.
 */
import type { Task } from './worker.ts';

export interface Regression {
  readonly run: Task;
  readonly was: string;
}
export const regressions: readonly Regression[] = [
  {
    run: { seed: 6, replicas: 1 },
    was: 'F4: a call that was refused for another reason was sent again while the cluster had asked all to wait',
  },
  {
    run: { scenario: 'flux-remove', at: 52, fault: '429' },
    was: 'objects of a Unit that went while its Run ended stood as its own until the next start, and no other could have them',
  },
  {
    run: { scenario: 'flux-remove', at: 25, fault: 'git-slow' },
    was: 'F18: a Run went on after its resource, and so its record, was gone',
  },
  {
    run: { scenario: 'flux-remove', at: 46, fault: 'reply-swallowed' },
    was: 'a record that went while it was written was held for ever, and with it its objects',
  },
  {
    run: { seed: 24 },
    was: 'Jobs of an attempt that never ended were forgotten when another commit was synced, and did not go with their Unit',
  },
  {
    run: { seed: 56 },
    was: 'a turn that ended after its Unit had gone to another replica wrote its old status over the new one',
  },
  {
    run: { seed: 100 },
    was: 'a Run that began while its Unit went to another replica heard no news any more, and waited for its hook for ever',
  },
  {
    run: { seed: 6, replicas: 1 },
    was: 'who depends on a Unit was not told when that was ready again with another spec, and waited for it for ever',
  },
  {
    run: { seed: 185 },
    was: 'a window that opens at a whole second was open for the second before it',
  },
  {
    run: { seed: 2, meet: { step: 'request get record run', fault: '500' } },
    was: 'a status that its sender had given up on came late, and stood there for good',
  },
  {
    run: { seed: 200861 },
    was: 'F1: a hook of the end whose creation was not answered landed when its Unit had gone',
  },
  {
    run: { seed: 201497 },
    was: 'an object of which fields were contested did not come back when somebody deleted it',
  },
  {
    run: { seed: 200808 },
    was: 'a status that a replica wrote before it heard that another had its Unit stood there for good',
  },
  {
    run: { seed: 200110 },
    was: 'F3: a forced apply that came late took what somebody had written since',
  },
  {
    run: { seed: 37 },
    was: 'of a repository with two logins a commit was told only to those with the login that fetched it',
  },
  {
    run: { seed: 400168 },
    was: 'F4: a call that was sent again with a new token did not wait though the cluster had asked all to',
  },
  {
    run: { seed: 400620 },
    was: 'F4: the next attempt at the end of a Unit came before the cluster had asked for it; and a record that was found gone was remembered',
  },
  {
    run: { seed: 400803 },
    was: 'F1: a hook whose creation was not answered landed, counted as run, and stayed',
  },
  {
    run: { seed: 700106 },
    was: 'a plan that was held for an object of another was not told that this had let it go, where its last good set was repaired meanwhile',
  },
  {
    run: { seed: 500531 },
    was: 'a Unit that went to another replica while its Run began was let go, and its Run heard of nothing any more',
  },
  {
    run: { seed: 510041 },
    was: 'F4: what was planned anew while the cluster had put it off was sent at once',
  },
  {
    run: { seed: 510259 },
    was: 'F9: where half of the inventory had gone with its definition, most of the rest was deleted without a question',
  },
  {
    run: { seed: 521153 },
    was: 'F26: an object of a Kustomization was taken by an Application whose replica had not heard of its record yet',
  },
  {
    run: { seed: 521279 },
    was: 'F1: the end of an Application was begun once more when it was gone, and another of its name was there already',
  },
  {
    run: { seed: 520252 },
    was: 'a rival that set back what Git says was told of late, and healing stayed suspended until somebody asked or Git had something new',
  },
  {
    run: { seed: 520493 },
    was: 'F1: a hook whose success could not be recorded was deleted by its policy HookFailed, and run again by the same attempt',
  },
  {
    run: { seed: 520943 },
    was: 'the Job of a hook of the end stayed for good, where its deletion had failed and the next attempt was cut off',
  },
  {
    run: { seed: 520056 },
    was: 'who depends on a Unit that was being deleted went on when nothing was left to be done for that, and took a commit that it never was at',
  },
  {
    run: { seed: 520079 },
    was: 'while a window let only people through, what a person asked for was preceded, and could be ended, by heals of the engine itself',
  },
  {
    run: { seed: 601593 },
    was: 'F4: a watch that was told when to come back came back at once, because its kind had been worth trying before',
  },
  {
    run: { seed: 610334 },
    was: 'F14: a Run was taken from a replica whose Lease another had not heard of, because its watch hung',
  },
  {
    run: { seed: 610580 },
    was: "a hook with generateName was nobody's for whoever went on after a crash, and its sync stood still",
  },
  {
    run: { seed: 622188 },
    was: 'F10: who asked for a sync got an older commit, from a replica that had not heard of the newest while Git was away',
  },
  {
    run: { seed: 650876 },
    was: 'a Kustomization that was deleted in its first sync left objects behind: it was not held before anything was applied',
  },
  {
    run: { seed: 710277 },
    was: 'a hook whose creation was not answered in two attempts was forgotten with the mark of the first, which landed last: its Job stayed',
  },
  {
    run: { seed: 746767 },
    was: 'a Unit that went while the hooks of its end were looked at was remembered for good, with the objects of those hooks',
  },
  {
    run: { seed: 767641 },
    was: 'F1: a hook of the end ran again, because a watch that had hung told of the resource as it was before our own answer to that hook',
  },
  {
    run: { seed: 768634 },
    was: 'who waited until a Unit was looked at here waited for good, when that went to another replica before it was looked at',
  },
  {
    run: { seed: 775369 },
    was: 'who waited until a Unit was looked at here waited for good, when that was found to stand as it had with another replica',
  },
  {
    run: { seed: 784034 },
    was: 'a Job that a late request made again, after its hook had ended, was taken for that of the next sync and stayed',
  },
  {
    run: { seed: 784489 },
    was: 'automated sync that was turned off in the middle of a sync and on again later: the hooks of that sync were forgotten, a Job that it should delete stayed',
  },
  {
    run: { seed: 785355 },
    was: 'F10: who took a Unit over planned from a resource that its watch had not brought up to date, and applied a repository that the Unit had left',
  },
  {
    run: { seed: 844973 },
    was: 'what was read of a resource before its watch told of it, and was taken back, was no news: its status stood as it was in between',
  },
  {
    run: { seed: 845582 },
    was: 'who took a Unit over while Git was away undid what a newer commit had applied, because the sync of that had failed',
  },
  {
    run: { seed: 845675 },
    was: 'a record that went while it was read, with a slow answer, was held for good',
  },
  {
    run: { seed: 846274 },
    was: 'F4: a kind that was let go and looked at again was asked for before the Retry-After of its last refusal was over',
  },
];
