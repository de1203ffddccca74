# SPDX-License-Identifier: Apache-2.0
"""The manifest of one container that eats something, and of the policy that holds it."""
import json

HOG = """
apiVersion: v1
kind: Pod
metadata: {name: %(name)s, labels: {app: %(name)s}}
spec:
  restartPolicy: %(restart)s
  terminationGracePeriodSeconds: %(grace)d
  %(more)s
  containers:
  - name: %(name)s
    image: busybox
    command: [sh, -c, %(command)s]
    resources: {requests: {cpu: %(cpu)s}, limits: {memory: %(memory)s}}
---
apiVersion: mete/v1
kind: Policy
metadata: {name: %(name)s}
spec:
  selector: {matchLabels: {app: %(name)s}}
%(policy)s
"""


def hog(command, policy, name="hog", memory="64Mi", cpu="10m", restart="Never", grace=0, more=""):
    """`command` is the shell's; `policy`: lines below the policy's spec, indented by two; `more`: a line of the pod's spec."""
    return HOG % {"name": name, "command": json.dumps(command), "policy": policy, "memory": memory, "cpu": cpu, "restart": restart, "grace": grace, "more": more}
