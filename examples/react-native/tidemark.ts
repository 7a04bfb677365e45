/** The app's one client: made once, imported wherever something is to be captured. */
import AsyncStorage from '@react-native-async-storage/async-storage';
import NetInfo from '@react-native-community/netinfo';
import { createTidemark } from '@tidemark/react-native';
import { AppState, Platform } from 'react-native';

export const tidemark = createTidemark(
  // On an Android emulator 10.0.2.2 is the machine it runs on.
  { writeKey: 'WRITE_KEY', host: Platform.OS === 'android' ? 'http://10.0.2.2:7070' : 'http://127.0.0.1:7070', consent: 'unknown' },
  {
    storage: AsyncStorage,
    appState: AppState,
    netInfo: NetInfo,
    os: { name: Platform.OS, version: String(Platform.Version) },
    app: { name: 'Teahouse', version: '1.0.0' },
  },
);
