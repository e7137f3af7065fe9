import type { Selection } from '../../model/config.ts';
import { balancePicker } from './balance.ts';
import type { Picker } from './contract.ts';
import { fanOutPicker } from './fan-out.ts';
import { leaderPicker } from './leader.ts';
import { ordinalPicker } from './ordinal.ts';
import { unlessStale } from './stale.ts';

const pickers = new WeakMap<Selection, Picker>();

/** The picker of a rule's selection, made on first use and kept as long as the selection is the same value. */
export function pickerFor(selection: Selection): Picker {
  let picker = pickers.get(selection);
  if (picker === undefined) {
    picker = patient(make(selection));
    pickers.set(selection, picker);
  }
  return picker;
}

/** One that fails no request because of a stall. */
function patient(picker: Picker): Picker {
  return {
    pick: (backend, context) => unlessStale(picker.pick(backend, context), backend),
    exclusion: (pod, backend, context) => picker.exclusion(pod, backend, context),
  };
}

function make(selection: Selection): Picker {
  switch (selection.type) {
    case 'Leader':
      return leaderPicker;
    case 'Ordinal':
      return ordinalPicker(selection);
    case 'FanOut':
      return fanOutPicker(selection);
    case 'Balance':
      return balancePicker(selection);
  }
}
