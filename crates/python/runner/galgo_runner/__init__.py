"""Runs Python checks in a process of their own and hands what they submit to the agent.

Read it in this order:

- ``channel``: how messages travel; ``src/message.rs`` of the agent says which there are.
- ``streams``: what happens to print() and to the file descriptors 0, 1 and 2.
- ``native``: the modules that Datadog's base class expects of an agent.
- ``base_class``: whether the real base class or the built-in one serves the checks.
- ``loading``: from the name of a check to an object.
- ``instances``: runs, what belongs to one instance, and the threads.
- ``serve``: the loop.

Works with Python 3.8 and later and needs nothing but the standard library.
"""
