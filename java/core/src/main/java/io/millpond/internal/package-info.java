/**
 * The door for Millpond's own adapters: blocks without handles. Not for applications; it changes without notice, and in
 * the module path nobody else can see it.
 */
package io.millpond.internal;
